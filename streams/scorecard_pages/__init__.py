"""A scorecard as a page for the team that is scored with it, as Markdown and as HTML.

``reading`` and ``sections`` alone look into a card; what they find (``page``) is rendered by
``as_markdown`` and ``as_html``, and compared by ``streams.scorecard_diff``. So a
new concept of the card is worded once, and shows in all three.
"""
