import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The benchmark's job in Kafka Streams: one thread, a repartition topic, a persistent store with its
 * changelog. The JVM works the whole input off once as a warm-up, then anew, measured.
 *
 * <p>Prints "first" at the first event that counts and "done" after the last one is folded.
 */
public class TwoHops {
  static final ObjectMapper JSON = new ObjectMapper();
  static final int WINDOW = 30;
  static final byte USE = 1, FAILED = 2, OPENED = 3, SOLVED = 4, OTHER = 0;

  final Map<String, String> options;
  final boolean counts;
  final long good;
  final int today = (int) (System.currentTimeMillis() / 86_400_000L);
  final CountDownLatch folded = new CountDownLatch(1);
  boolean begun;
  long left;

  TwoHops(Map<String, String> options, boolean counts) {
    this.options = options;
    this.counts = counts;
    this.good = this.left = Long.parseLong(options.get("good"));
  }

  /** Validates and gives each event to its customer's partition: day, kind, ticket. */
  class Route implements Processor<byte[], byte[], byte[], byte[]> {
    final String family;
    ProcessorContext<byte[], byte[]> context;

    Route(String family) {
      this.family = family;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      if (!begun) {
        begun = true;
        if (counts) System.out.println("first");
      }
      try {
        JsonNode event = JSON.readTree(record.value());
        byte[] customer = text(event, "customer_id").getBytes(StandardCharsets.UTF_8);
        text(event, "event_id");
        text(event, "source");
        long at = OffsetDateTime.parse(text(event, "occurred_at")).toEpochSecond();
        byte kind;
        byte[] ticket = {};
        switch (family) {
          case "usage":
            require(text(event, "type").equals("usage.feature"));
            text(event, "feature");
            kind = USE;
            break;
          case "tickets":
            require(text(event, "type").equals("ticket.changed"));
            kind = changeOf(text(event, "change"));
            require(kind == OPENED || kind == SOLVED || kind == OTHER);
            ticket = text(event, "ticket_id").getBytes(StandardCharsets.UTF_8);
            break;
          default:
            require(text(event, "type").equals("billing.changed"));
            kind = changeOf(text(event, "change"));
        }
        ByteBuffer signal = ByteBuffer.allocate(5 + ticket.length);
        signal.putInt((int) (at / 86_400)).put(kind).put(ticket);
        context.forward(record.withKey(customer).withValue(signal.array()), "signals");
      } catch (Exception invalid) {
        context.forward(record, "dead");
      }
    }
  }

  static String text(JsonNode event, String field) {
    JsonNode value = event.get(field);
    require(value != null && value.isTextual() && !value.textValue().isEmpty());
    return value.textValue();
  }

  static void require(boolean holds) {
    if (!holds) throw new IllegalArgumentException();
  }

  static byte changeOf(String change) {
    switch (change) {
      case "opened":
        return OPENED;
      case "solved":
        return SOLVED;
      case "payment_failed":
        return FAILED;
      case "answered":
      case "invoice_issued":
      case "invoice_paid":
        return OTHER;
      default:
        throw new IllegalArgumentException();
    }
  }

  /**
   * A customer: score, band, then per day of the window (a ring) the day, its uses and its failed
   * payments, then the hashes of the open tickets.
   */
  class Fold implements Processor<byte[], byte[], byte[], byte[]> {
    static final int HEAD = 8, DAY = 12, TICKETS = HEAD + WINDOW * DAY;
    ProcessorContext<byte[], byte[]> context;
    KeyValueStore<byte[], byte[]> store;

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
      this.store = context.getStateStore("customers");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      ByteBuffer signal = ByteBuffer.wrap(record.value());
      int day = signal.getInt();
      byte kind = signal.get();
      byte[] known = store.get(record.key());
      byte[] row = known == null ? new byte[TICKETS] : known;
      if (kind == OPENED || kind == SOLVED) row = tickets(row, signal, kind);
      ByteBuffer state = ByteBuffer.wrap(row);
      if ((kind == USE || kind == FAILED) && day > today - WINDOW) {
        int at = HEAD + day % WINDOW * DAY;
        if (state.getInt(at) != day) state.putInt(at, day).putInt(at + 4, 0).putInt(at + 8, 0);
        int field = at + (kind == USE ? 4 : 8);
        state.putInt(field, state.getInt(field) + 1);
      }
      int active = 0, uses = 0, failed = 0;
      for (int at = HEAD; at < TICKETS; at += DAY) {
        if (state.getInt(at) <= today - WINDOW) continue;
        int used = state.getInt(at + 4);
        if (used > 0) active++;
        uses += used;
        failed += state.getInt(at + 8);
      }
      int open = (row.length - TICKETS) / 8;
      int score =
          30 * points(active, ACTIVE) + 30 * points(uses, USES)
              + 20 * points(open, OPEN) + 20 * points(failed, PAYMENTS);
      int band = score >= 7500 ? 3 : score < 5000 ? 1 : 2;
      boolean changed = band != state.getInt(4);
      state.putInt(0, score).putInt(4, band);
      store.put(record.key(), row);
      if (changed) context.forward(record.withValue(told(record.key(), score, band)), "scores");
      if (--left == 0) {
        if (counts) System.out.println("done");
        folded.countDown();
      }
    }

    byte[] tickets(byte[] row, ByteBuffer signal, byte kind) {
      byte[] name = new byte[signal.remaining()];
      signal.get(name);
      UUID uuid = UUID.nameUUIDFromBytes(name);
      long hash = uuid.getMostSignificantBits();
      ByteBuffer state = ByteBuffer.wrap(row);
      int found = -1;
      for (int at = TICKETS; at < row.length; at += 8) if (state.getLong(at) == hash) found = at;
      if (kind == OPENED && found < 0) {
        byte[] longer = java.util.Arrays.copyOf(row, row.length + 8);
        ByteBuffer.wrap(longer).putLong(row.length, hash);
        return longer;
      }
      if (kind == SOLVED && found >= 0) {
        state.putLong(found, state.getLong(row.length - 8));
        return java.util.Arrays.copyOf(row, row.length - 8);
      }
      return row;
    }
  }

  static final int[][] ACTIVE = {{1, 5, 10, 15}, {0, 20, 50, 80, 100}};
  static final int[][] USES = {{20, 100, 300, 1000}, {0, 30, 60, 80, 100}};
  static final int[][] OPEN = {{1, 3, 6}, {100, 70, 30, 0}};
  static final int[][] PAYMENTS = {{1, 3}, {100, 50, 0}};
  static final String[] BANDS = {"", "red", "yellow", "green"};

  static int points(int value, int[][] steps) {
    int step = 0;
    while (step < steps[0].length && value >= steps[0][step]) step++;
    return steps[1][step];
  }

  static byte[] told(byte[] customer, int score, int band) {
    String name = new String(customer, StandardCharsets.UTF_8);
    return ("{\"customer_id\":\"" + name + "\",\"score\":" + score + ",\"band\":\"" + BANDS[band] + "\"}")
        .getBytes(StandardCharsets.UTF_8);
  }

  Topology topology(String run) {
    var bytes = Serdes.ByteArray();
    Topology topology = new Topology();
    String[] routes = {"usage", "tickets", "billing"};
    for (String family : routes) {
      String topic = options.get("prefix") + "health." + family + ".v1";
      topology.addSource("source-" + family, bytes.deserializer(), bytes.deserializer(), topic);
      topology.addProcessor(family, () -> new Route(family), "source-" + family);
    }
    topology.addSink("signals", run + ".signals", bytes.serializer(), bytes.serializer(), routes);
    topology.addSink("dead", run + ".dead", bytes.serializer(), bytes.serializer(), routes);
    topology.addSource("signals-in", bytes.deserializer(), bytes.deserializer(), run + ".signals");
    topology.addProcessor("fold", Fold::new, "signals-in");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("customers"), bytes, bytes)
            .withCachingEnabled(),
        "fold");
    topology.addSink("scores", run + ".scores", bytes.serializer(), bytes.serializer(), "fold");
    return topology;
  }

  void work(String run) throws InterruptedException {
    Properties settings = new Properties();
    settings.put("application.id", run);
    settings.put("bootstrap.servers", options.get("bootstrap"));
    settings.put("num.stream.threads", "1");
    settings.put("auto.offset.reset", "earliest");
    settings.put("state.dir", "state");
    settings.put("replication.factor", "1");
    settings.put("processing.guarantee", options.get("guarantee"));
    settings.put("commit.interval.ms", options.get("commit-interval-ms"));
    KafkaStreams streams = new KafkaStreams(topology(run), settings);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          System.exit(1);
          return null;
        });
    streams.start();
    if (!folded.await(600, TimeUnit.SECONDS)) System.exit(3);
    streams.close(Duration.ofSeconds(30));
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) options.put(arguments[i].substring(2), arguments[i + 1]);
    String run = options.get("run");
    for (int warm = 1; warm <= Integer.parseInt(options.get("warm-ups")); warm++)
      new TwoHops(options, false).work(run + ".warm" + warm);
    new TwoHops(options, true).work(run);
    System.exit(0);
  }
}
