/** A TCP way to a server on this machine whose answers can be held back, that can be cut, and that counts what passes. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Wire {
  /** The same URL by this way. */
  by(url: string): string;
  /** Keeps back what the server answers; with `newcomers` also on connections made from now on. Questions pass. */
  hold(newcomers?: boolean): void;
  /** How many of PostgreSQL's answers are held back now. */
  held(): number;
  release(): void;
  /** Closes every connection and refuses new ones, until `join`. */
  cut(): void;
  join(): void;
  /** Holds back only the answers on connections where `text` was sent, until `release`; tells how often it was sent, after that too. `text` must fit one packet. */
  holdAnswersTo(text: string): () => number;
  close(): void;
}

interface Pair {
  near: Socket;
  far: Socket;
  holding: boolean;
  kept: Buffer[];
}

/** How every answer of PostgreSQL outside a transaction ends: ReadyForQuery, idle. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

export async function openWire(toPort: number): Promise<Wire> {
  const pairs = new Set<Pair>();
  let watched: { text: Buffer; seen: number; holding: boolean } | undefined;
  let joined = true;
  let holdNewcomers = false;
  const server = createServer((near) => {
    if (!joined) return void near.destroy();
    const far = connect(toPort, '127.0.0.1');
    const pair: Pair = { near, far, holding: holdNewcomers, kept: [] };
    pairs.add(pair);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      const seen = watched ? occurrences(chunk, watched.text) : 0;
      if (watched && seen > 0) {
        watched.seen += seen;
        pair.holding ||= watched.holding;
      }
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => void (pair.holding ? pair.kept.push(chunk) : near.write(chunk)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const release = () => {
    holdNewcomers = false;
    if (watched) watched.holding = false;
    for (const pair of pairs) {
      pair.holding = false;
      for (const chunk of pair.kept.splice(0)) pair.near.write(chunk);
    }
  };
  const cut = () => {
    joined = false;
    for (const { near } of pairs) near.destroy();
  };
  return {
    by: (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    hold(newcomers = false) {
      holdNewcomers = newcomers;
      for (const pair of pairs) pair.holding = true;
    },
    held: () => [...pairs].filter(({ kept }) => kept.at(-1)?.subarray(-READY.length).equals(READY)).length,
    release,
    cut,
    join: () => void (joined = true),
    holdAnswersTo(text) {
      const watch = { text: Buffer.from(text), seen: 0, holding: true };
      watched = watch;
      return () => watch.seen;
    },
    close() {
      cut();
      server.close();
    },
  };
}

function occurrences(chunk: Buffer, text: Buffer): number {
  let seen = 0;
  for (let at = chunk.indexOf(text); at !== -1; at = chunk.indexOf(text, at + text.length)) seen++;
  return seen;
}
