/** `/metrics`, in Prometheus' words. Request times are counted in plain arrays and rendered on scrape: it runs on every request. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import type { Cache, CacheStats } from '#platform/cache/cache';
import type { Queryable, StatementSeen } from '#platform/db/database';
import { sql } from '#platform/db/sql';
import type { Route } from '#platform/http/route';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Metrics {
  readonly registry: Registry;
  /** Counts one answered request; `route` is undefined for what no route matched. */
  request(route: Route | undefined, method: string, status: number, ms: number): void;
  statement(seen: StatementSeen): void;
  /** A gauge or counter whose values are read when scraped. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void;
  counter(name: string, help: string, read: () => number): void;
}

interface Series {
  method: string;
  route: string;
  buckets: Float64Array;
  sum: number;
  byStatus: Map<number, number>;
}

export function createMetrics(instance: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ instance });
  collectDefaultMetrics({ register: registry });
  const series = new Map<Route | string, Series>();
  registerSeries(registry, series);
  const query = new Histogram({
    name: 'db_query_duration_seconds',
    help: 'Time of one statement, waiting for a connection included.',
    buckets: SECONDS,
    registers: [registry],
  });
  const failed = new Counter({ name: 'db_query_failures_total', help: 'Statements that failed, constraint violations included.', registers: [registry] });
  return {
    registry,
    request(route, method, status, ms) {
      const key = route ?? method;
      let one = series.get(key);
      if (!one) {
        one = { method, route: route?.path ?? '(none)', buckets: new Float64Array(SECONDS.length + 1), sum: 0, byStatus: new Map() };
        series.set(key, one);
      }
      const seconds = ms / 1000;
      let i = 0;
      while (i < SECONDS.length && seconds > SECONDS[i]!) i++;
      one.buckets[i]!++;
      one.sum += seconds;
      one.byStatus.set(status, (one.byStatus.get(status) ?? 0) + 1);
    },
    statement(seen) {
      query.observe(seen.ms / 1000);
      if (seen.failed) failed.inc();
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        async collect() {
          this.set(await read());
        },
      });
    },
    counter(name, help, read) {
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
  };
}

/** The cache's own exact counts, and which cache answers. */
export function watchCache(metrics: Metrics, cache: Cache): void {
  const counts = () => cache.stats();
  for (const name of Object.keys(counts()) as (keyof CacheStats)[])
    metrics.counter(`cache_${name}_total`, `Cache: ${name.replaceAll('_', ' ')}.`, () => counts()[name]);
  metrics.gauge('cache_hit_ratio', 'Reads answered from the cache, of all reads since the start.', () => {
    const { hits, misses } = counts();
    return hits + misses === 0 ? 0 : hits / (hits + misses);
  });
  for (const kind of ['redis', 'memory', 'none'] as const)
    metrics.gauge(`cache_using_${kind}`, `1 while reads go through ${kind}.`, () => (cache.state().using === kind ? 1 : 0));
}

/** Jobs by state, counted when scraped. */
export function watchJobs(metrics: Metrics, db: Queryable): void {
  const count = async (status: string) => (await db.first<{ n: number }>(sql`select count(*) as n from jobs where status = ${status}`))?.n ?? 0;
  metrics.gauge('jobs_ready', 'Jobs waiting or running.', () => count('ready'));
  metrics.gauge('jobs_dead', 'Jobs that failed for good and wait for a person.', () => count('dead'));
}

interface Rendered {
  labels: Record<string, string | number>;
  value: number;
  metricName?: string;
}

function registerSeries(registry: Registry, series: ReadonlyMap<unknown, Series>): void {
  const name = 'http_request_duration_seconds';
  const durations = () => {
    const values: Rendered[] = [];
    for (const { method, route, buckets, sum } of series.values()) {
      let cumulative = 0;
      for (const [i, count] of buckets.entries()) {
        cumulative += count;
        values.push({ metricName: `${name}_bucket`, labels: { method, route, le: SECONDS[i] ?? '+Inf' }, value: cumulative });
      }
      values.push(
        { metricName: `${name}_sum`, labels: { method, route }, value: sum },
        { metricName: `${name}_count`, labels: { method, route }, value: cumulative },
      );
    }
    return values;
  };
  const totals = () =>
    [...series.values()].flatMap(({ method, route, byStatus }) =>
      [...byStatus].map(([status, value]): Rendered => ({ labels: { method, route, status }, value })),
    );
  rendered(registry, name, 'histogram', 'Time from the first byte of a request to the end of its answer.', durations);
  rendered(registry, 'http_requests_total', 'counter', 'Answered requests.', totals);
}

/** A metric that computes its values when asked; the registry only calls `get`. */
function rendered(registry: Registry, name: string, type: string, help: string, values: () => Rendered[]): void {
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: () => Promise.resolve({ name, help, type, aggregator: 'sum', values: values() }),
    reset: () => undefined,
  };
  registry.registerMetric(metric as unknown as Metric);
}
