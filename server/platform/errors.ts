/**
 * The error catalogue. A code is declared once, by `defineError`, here or in a module's `x.errors.ts`;
 * the gateway turns an AppError into the envelope and status, a tool into `{ok: false, code}`, a job into retry or dead letter.
 */
export interface ErrorOptionsMore {
  message?: string;
  details?: unknown;
  cause?: unknown;
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfter?: number;
}

/** Every error that may reach a caller. Anything else becomes INTERNAL_ERROR and is logged once. */
export class AppError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly details: unknown;
  readonly retryAfter: number | undefined;

  constructor(kind: ErrorKind, more: ErrorOptionsMore = {}) {
    super(more.message ?? kind.message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'AppError';
    this.code = kind.code;
    this.status = kind.status;
    this.retryable = kind.retryable ?? false;
    this.details = more.details;
    this.retryAfter = more.retryAfter;
  }
}

export interface ErrorKind {
  /** UPPER_SNAKE, promised by the contract, declared once in the whole server. */
  code: string;
  /** HTTP status. */
  status: number;
  /** English, for developers; never holds another person's data. */
  message: string;
  /** True when the same call may succeed later without being changed. */
  retryable?: boolean;
}

export type ErrorFactory = ((more?: ErrorOptionsMore) => AppError) & { readonly kind: ErrorKind };

/** Declares an error of the catalogue; the result makes one: `throw slotTaken({ details: { starts_at } })`. */
export function defineError(kind: ErrorKind): ErrorFactory {
  return Object.assign((more?: ErrorOptionsMore) => new AppError(kind, more), { kind });
}

export const invalidJson = defineError({ code: 'INVALID_JSON', status: 400, message: 'The body is not valid JSON.' });
export const invalidRequest = defineError({ code: 'INVALID_REQUEST', status: 400, message: 'The request is malformed.' });
export const unauthenticated = defineError({ code: 'UNAUTHENTICATED', status: 401, message: 'Send a valid x-api-key, bearer token or session cookie.' });
export const forbidden = defineError({ code: 'FORBIDDEN', status: 403, message: 'These credentials do not allow this call.' });
export const notFound = defineError({ code: 'NOT_FOUND', status: 404, message: 'There is nothing here under that id.' });
export const methodNotAllowed = defineError({ code: 'METHOD_NOT_ALLOWED', status: 405, message: 'That method is not offered here.' });
export const conflict = defineError({ code: 'CONFLICT', status: 409, message: 'The change clashes with the current state.' });
export const alreadyExists = defineError({ code: 'ALREADY_EXISTS', status: 409, message: 'It exists already; its id is in details.id.' });
export const inUse = defineError({ code: 'IN_USE', status: 409, message: 'Other records depend on it; archive it instead.' });
export const versionMismatch = defineError({ code: 'VERSION_MISMATCH', status: 412, message: 'It was changed meanwhile; read it again.' });
export const payloadTooLarge = defineError({ code: 'PAYLOAD_TOO_LARGE', status: 413, message: 'The body is too large.' });
export const unsupportedMediaType = defineError({ code: 'UNSUPPORTED_MEDIA_TYPE', status: 415, message: 'Send application/json in UTF-8.' });
export const validationFailed = defineError({ code: 'VALIDATION_FAILED', status: 422, message: 'Some fields are not valid; details names each.' });
export const rateLimited = defineError({ code: 'RATE_LIMITED', status: 429, message: 'Too many requests; wait Retry-After seconds.', retryable: true });
export const internalError = defineError({ code: 'INTERNAL_ERROR', status: 500, message: 'Something failed on our side; the request id helps us find it.' });
export const unavailable = defineError({ code: 'UNAVAILABLE', status: 503, message: 'A part the answer needs is down; try again soon.', retryable: true });

/** One invalid field of a request: `{ field: 'items.0.quantity', message: '…' }`. */
export interface FieldFault {
  field: string;
  message: string;
}

/** A validation error about a single field, for rules that a schema cannot say. */
export function invalidField(field: string, message: string): AppError {
  return validationFailed({ details: { fields: [{ field, message }] satisfies FieldFault[] } });
}
