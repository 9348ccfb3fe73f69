/**
 * Reading single values off the wire: what is not of the expected kind reads as empty.
 */

export type Dict = Readonly<Record<string, unknown>>;

/** A document from the server that cannot be read. */
export class MalformedError extends Error {
  constructor(what: string) {
    super(`The server's answer is not what this version reads: ${what}.`);
    this.name = 'MalformedError';
  }
}

export function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function dict(value: unknown, what: string): Dict {
  if (!isDict(value)) {
    throw new MalformedError(`${what} is no object`);
  }
  return value;
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function maybeText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export function list<T>(value: unknown, read: (item: unknown) => T): readonly T[] {
  return Array.isArray(value) ? value.map(read) : [];
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function numbers(value: unknown): Readonly<Record<string, number>> {
  const entries = isDict(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  );
}

/** A cursor travels back as it came: number or text. */
export function cursor(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}

export function strings(value: unknown): Readonly<Record<string, string>> {
  const entries = isDict(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  );
}
