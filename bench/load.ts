/** HTTP load on loopback, bounded in time, with every answer counted. */
import autocannon from 'autocannon';
import { cpuMicros } from './harness.ts';

export interface Load {
  url: string;
  headers?: Record<string, string>;
  connections: number;
  seconds: number;
  /** Paths to take in turn; the url's own when absent. */
  paths?: readonly string[];
}

export interface Loaded {
  requests: number;
  perSecond: number;
}

/** Throws when any answer was not 2xx, or none came. */
export async function load({ url, headers = {}, connections, seconds, paths }: Load): Promise<Loaded> {
  const result = await autocannon({
    url,
    headers,
    connections,
    duration: seconds,
    ...(paths && { requests: paths.map((path) => ({ method: 'GET' as const, path })) }),
  });
  const good = result['2xx'];
  if (result.non2xx > 0 || result.errors > 0 || good === 0) throw new Error(`${url}: ${good} good, ${result.non2xx} other answers, ${result.errors} errors`);
  return { requests: good, perSecond: good / result.duration };
}

/** CPU microseconds of the server process per request under this load. */
export async function cpuPerRequest(pid: number, what: Load): Promise<number> {
  const before = cpuMicros(pid);
  const { requests } = await load(what);
  return (cpuMicros(pid) - before) / requests;
}
