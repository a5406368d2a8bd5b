/** How the process ends: on a signal it says it is not ready, answers what is open, and leaves; a bug ends it at once, loudly. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from './log.ts';

export interface Stoppable {
  readonly log: Log;
  /** Readiness becomes false; requests are still answered. */
  drain(): void;
  stop(): Promise<void>;
}

export interface StopOptions {
  /** How long the world is given to notice that we are not ready, in milliseconds. */
  drainMs: number;
  /** After this long the process leaves whatever is still open. */
  deadlineMs: number;
}

export function installStop(app: Stoppable, { drainMs, deadlineMs }: StopOptions): void {
  let stopping = false;
  const leave = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    app.log.info({ signal }, 'stopping');
    app.drain();
    setTimeout(() => {
      app.log.error('stopping took too long; leaving anyway');
      process.exit(1);
    }, deadlineMs).unref();
    await pause(drainMs);
    await app.stop();
    app.log.info('stopped');
    process.exit(0);
  };
  const onSignal = (signal: string) => {
    leave(signal).catch((error: unknown) => {
      app.log.error({ err: error }, 'could not stop cleanly');
      process.exit(1);
    });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Nothing sensible can be known about the state after these; whoever runs us starts us again.
  const onBug = (error: unknown) => {
    app.log.fatal({ err: error }, 'unexpected error');
    process.exit(1);
  };
  process.on('uncaughtException', onBug);
  process.on('unhandledRejection', onBug);
}
