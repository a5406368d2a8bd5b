/** Our server as a child process that a benchmark talks to over plain keep-alive HTTP. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { type Running, startServer } from './harness.ts';

export const KEY = 'bench-key-0123456789abcdef';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Milliseconds from asking to the last byte. */
  ms: number;
}

export interface Instance extends Running {
  /** Whatever the status; rejects only when there is no answer. */
  call(method: string, path: string, body?: object): Promise<Answer>;
  /** The `data` of a good answer; anything else throws. */
  make<T = { id: string }>(method: string, path: string, body?: object): Promise<T>;
  /** A counter or gauge of `/metrics`, all its series together. */
  metric(name: string): Promise<number>;
}

/** Starts one on what `env` names: `DATABASE_URL` or `SQLITE_PATH`, `REDIS_URL`, … */
export async function startInstance(env: Record<string, string>): Promise<Instance> {
  const running = await startServer('app.ts', {
    NODE_ENV: 'test',
    ROLES: 'api',
    API_KEY: KEY,
    ADMIN_EMAIL: 'dona@clinica.test',
    ADMIN_PASSWORD: 'senha-da-dona-123',
    DATABASE_URL: '',
    REDIS_URL: '',
    ...env,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  const call = (method: string, path: string, body?: object) => ask(agent, running.url + path, method, body);
  const make = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const { status, text } = await call(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (JSON.parse(text) as { data: T }).data;
  };
  return {
    ...running,
    call,
    make,
    async metric(name) {
      const { status, text } = await call('GET', '/metrics');
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
      if (status !== 200 || lines.length === 0) throw new Error(`/metrics: ${status}, no ${name}`);
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    async stop() {
      agent.destroy();
      await running.stop();
    },
  };
}

function ask(agent: Agent, url: string, method: string, body: object | undefined): Promise<Answer> {
  const started = performance.now();
  const bytes = body && Buffer.from(JSON.stringify(body));
  const headers = { 'x-api-key': KEY, ...(bytes && { 'content-type': 'application/json', 'content-length': bytes.length }) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString(), ms: performance.now() - started }),
      );
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(bytes);
  });
}
