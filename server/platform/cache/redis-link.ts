/**
 * One connection to one Redis process, for as long as it answers. It never reconnects: whatever goes wrong ends it at once and
 * for everybody, and the next link starts by asking who is there, because a restarted Redis may hold an old snapshot.
 */
import { Redis } from 'ioredis';
import type { Script } from './scripts.ts';

export interface RedisLink {
  readonly client: Redis;
  /** The Redis process's own random id; another one means another memory. */
  readonly runId: string;
  readonly ended: boolean;
  /** Runs a command under the link's deadline. Rejects when it fails or the link ends. */
  call<T>(send: () => Promise<T>): Promise<T>;
  /** Runs a script by its digest, sending the text only when Redis does not know it. Buffers come back. */
  run(script: Script, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown>;
  end(reason: string): void;
}

export interface LinkOptions {
  url: string;
  /** A command unanswered for this long ends the link. */
  deadlineMs: number;
  connectMs: number;
  /** Told once, also when `end` is called. */
  onEnd: (reason: string) => void;
}

const TICKS = 5;

/** Methods that ioredis makes for every command and declares for some only. */
type Scripted = Redis & Record<'evalshaBuffer' | 'evalBuffer', (script: string, keys: number, ...rest: (string | number | Buffer)[]) => Promise<unknown>>;

/** Connects and identifies the server. Rejects within `connectMs` when there is none, it is loading, or it does not answer. */
export async function connectRedis(options: LinkOptions): Promise<RedisLink> {
  const client = new Redis(options.url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
    connectTimeout: options.connectMs,
    protocol: 2,
    disableClientInfo: true,
    connectionName: 'caramelo-cache',
    enableAutoPipelining: true,
    // Reads are gathered into one MGET by the driver; a second gathering would only delay them.
    autoPipeliningIgnoredCommands: ['mget'],
  });
  // Always followed by `end`, which is what counts; without a listener Node would throw.
  client.on('error', () => undefined);
  const timer = setTimeout(() => tearDown(client), options.connectMs);
  try {
    await client.connect();
    const info = await client.info();
    const runId = /^run_id:(\w+)/m.exec(info)?.[1];
    if (runId === undefined || /^loading:1/m.test(info)) throw new Error('Redis is not ready');
    return watched(client, runId, options);
  } catch (error) {
    tearDown(client);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function tearDown(client: Redis): void {
  client.disconnect();
  // `disconnect` asks politely and a frozen server never answers.
  (client.stream as typeof client.stream | undefined)?.destroy();
}

/**
 * The deadline costs a command nothing: replies come in order, so it is enough to count what was sent and what was answered and to
 * look a few times per deadline. Counting looks, not milliseconds, keeps our own event loop's pauses from being blamed on Redis.
 */
function watched(client: Redis, runId: string, options: LinkOptions): RedisLink {
  let sent = 0;
  let answered = 0;
  let ended = false;
  let idle = 0;
  let marks: number[] = [];
  let timer: NodeJS.Timeout | undefined;

  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    clearInterval(timer);
    tearDown(client);
    options.onEnd(reason);
  };
  const look = () => {
    marks.push(sent);
    const overdue = marks.length > TICKS ? marks.shift()! : 0;
    if (answered < overdue) {
      // Replies that already wait in the socket are read before this runs.
      setImmediate(() => answered < overdue && end('timeout'));
    }
    idle = sent === answered ? idle + 1 : 0;
    if (idle > 10 * TICKS) {
      clearInterval(timer);
      timer = undefined;
    }
  };
  const done = () => void answered++;
  const call = <T>(send: () => Promise<T>): Promise<T> => {
    if (ended) return Promise.reject(new Error('Redis is down'));
    sent++;
    if (timer === undefined) {
      idle = 0;
      marks = [];
      timer = setInterval(look, options.deadlineMs / (TICKS + 1)).unref();
    }
    const reply = send();
    reply.then(done, done);
    return reply;
  };
  client.on('end', () => end('closed'));
  const scripted = client as Scripted;

  return {
    client,
    runId,
    get ended() {
      return ended;
    },
    call,
    end,
    async run(script, keys, args) {
      try {
        return await call(() => scripted.evalshaBuffer(script.sha, keys.length, ...keys, ...args));
      } catch (error) {
        if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
        return call(() => scripted.evalBuffer(script.text, keys.length, ...keys, ...args));
      }
    },
  };
}
