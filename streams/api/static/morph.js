// Makes one tree equal to another and keeps the nodes it can: elements with the same data-key
// are the same thing wherever they stand, the others are matched by position and name.

// What belongs to the reader, not to the server.
const READERS_OWN = new Set(["open", "value"]);
// Classes of animations under way: a second change must not cut the first one's short.
const UNDER_WAY = ["flash", "rose", "fell"];

export function morph(from, to) {
  to.classList.add(...UNDER_WAY.filter((name) => from.classList.contains(name)));
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !READERS_OWN.has(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !READERS_OWN.has(name)) from.setAttribute(name, value);
  }
  children(from, to);
}

function children(from, to) {
  const byKey = new Map();
  for (const child of from.children) {
    if (child.dataset?.key !== undefined) byKey.set(child.dataset.key, child);
  }
  const keep = new Set([...to.children].map((child) => child.dataset?.key));
  for (const [key, child] of byKey) {
    if (!keep.has(key)) {
      child.remove();
      byKey.delete(key);
    }
  }
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const match = matching(place, wanted, byKey);
    if (match === null) {
      from.insertBefore(document.importNode(wanted, true), place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else from.insertBefore(match, place);
    if (match.nodeType === Node.ELEMENT_NODE) morph(match, wanted);
    else if (match.data !== wanted.data) match.data = wanted.data;
  }
  while (place) {
    const after = place.nextSibling;
    place.remove();
    place = after;
  }
}

function matching(place, wanted, byKey) {
  const key = wanted.dataset?.key;
  if (key !== undefined) {
    const match = byKey.get(key);
    return match && match.nodeName === wanted.nodeName ? match : null;
  }
  const fits =
    place &&
    place.nodeType === wanted.nodeType &&
    place.nodeName === wanted.nodeName &&
    place.dataset?.key === undefined;
  return fits ? place : null;
}
