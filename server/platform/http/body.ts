/** Reads a JSON body: typed, bounded, valid UTF-8, or a clear refusal. */
import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { AppError, invalidJson, invalidRequest, payloadTooLarge, unsupportedMediaType } from '../errors.ts';

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-?8"?\s*)?$/i;

const parse = express.json({
  limit: '256kb',
  strict: false,
  inflate: false,
  type: () => true,
  verify: (_req, _res, bytes) => {
    if (!isUtf8(bytes)) throw invalidJson({ message: 'The body is not valid UTF-8.' });
  },
});

/** The parsed body, or undefined when the request has none. Throws INVALID_JSON, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE. */
export async function readJson(req: Request, res: Response): Promise<unknown> {
  const { 'content-length': length, 'transfer-encoding': chunked, 'content-type': type } = req.headers;
  if (chunked === undefined && (length === undefined || length === '0')) return undefined;
  if (type === undefined || !JSON_TYPE.test(type)) throw unsupportedMediaType();
  await new Promise<void>((resolve, reject) => parse(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(bodyFault(error)))));
  return req.body as unknown;
}

/** What the parser calls its refusals, in our words. */
export function bodyFault(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { type } = error as { type?: string };
  if (type === 'entity.too.large') return payloadTooLarge({ cause: error });
  if (type === 'entity.parse.failed') return invalidJson({ cause: error });
  if (type === 'entity.verify.failed') return invalidJson({ message: 'The body is not valid UTF-8.', cause: error });
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') return unsupportedMediaType({ cause: error });
  return invalidRequest({ cause: error });
}
