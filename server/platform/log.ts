/** JSON logs with ids, never with phones, texts or secrets. */
import pino from 'pino';
import { AppError } from './errors.ts';

export type Log = pino.Logger;

export interface LogOptions {
  level: string;
  instance: string;
  /** Where lines go; standard output when absent. */
  destination?: pino.DestinationStream;
}

// Runs of 8 or more digits (phones, CPF, card numbers), with what people write between them, and e-mail addresses.
const DIGITS = /\+?\d[\d\s().-]{6,}\d/g;
const EMAIL = /[\w.+-]+@[\w-]+(\.[\w-]+)+/g;

/** A message of somebody else's making (driver, library), fit for a log. */
function masked(message: string): string {
  return message.replace(EMAIL, '[email]').replace(DIGITS, (run) => (run.replace(/\D/g, '').length >= 8 ? '[digits]' : run));
}

export function createLog(options: LogOptions): Log {
  return pino(
    {
      level: options.level,
      base: { instance: options.instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    options.destination ?? pino.destination({ dest: 1, sync: false }),
  );
}

/** What a log may say of an error: names, codes, where; details of a driver's error can hold people's data and stay out. */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as { code?: unknown };
  const described: Record<string, unknown> = { type: error.name, message: masked(error.message) };
  if (typeof code === 'string' || typeof code === 'number') described['code'] = code;
  if (!(error instanceof AppError))
    described['stack'] = masked(
      (error.stack ?? '')
        .split('\n')
        .filter((line) => line.startsWith('    at '))
        .slice(0, 12)
        .join('\n'),
    );
  if (error.cause !== undefined && depth < 3) described['cause'] = describeError(error.cause, depth + 1);
  return described;
}
