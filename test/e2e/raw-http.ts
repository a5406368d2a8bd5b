/** Requests that no well-behaved client sends: bytes on a socket, and whatever comes back. */
import { connect } from 'node:net';
import type { Answer } from '../support/app.ts';

/** Sends the bytes and reads until the server closes the connection (ask for `connection: close`) or `ms` passed. */
export function sendRaw(url: string, bytes: string | Uint8Array, ms = 5_000): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.setTimeout(ms, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that refuses may reset the connection while we still send: what it said before counts.
    socket.on('error', (error) => (chunks.length === 0 ? reject(error) : undefined));
    socket.on('close', () => resolve(parse(Buffer.concat(chunks).toString('utf8'))));
    socket.on('connect', () => socket.write(bytes));
  });
}

/** A request line and headers as one text; `connection: close` included. */
export function head(method: string, path: string, headers: Record<string, string> = {}): string {
  const all = { host: 'x', connection: 'close', ...headers };
  return `${method} ${path} HTTP/1.1\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
}

function parse(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, Math.max(0, end)).split('\r\n');
  const headers = new Headers();
  for (const one of lines) headers.append(one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1).trim());
  const body = end === -1 ? '' : text.slice(end + 4);
  const json = headers.get('content-type')?.startsWith('application/json') && body !== '' && !headers.has('transfer-encoding');
  return { status: Number(line.split(' ')[1] ?? 0), headers, text: body, body: json ? JSON.parse(body) : undefined };
}
