/**
 * Failed requests in the words that are shown.
 */
import type { IApiError } from '../tokens';

/** A refused or failed request, with the words that are shown. */
export class ApiError extends Error {
  constructor(readonly body: IApiError) {
    super(body.message);
    this.name = 'ApiError';
  }

  /** The server is there but does not know our routes: the extension is not loaded. */
  get absent(): boolean {
    return this.body.status === 404 && this.body.error === 'http_404';
  }
}

/** Put any thrown thing into the words of an API error. */
export function toApiError(reason: unknown): IApiError {
  if (reason instanceof ApiError) {
    return reason.body;
  }
  const message = reason instanceof Error ? reason.message : String(reason);
  return { error: 'unexpected', message, hint: '', docs: '', status: -1 };
}
