/**
 * One line of a results stream: `{"custom_id": …, "result": {"type": …}}`. The id is all that joins a line to its
 * request; lines come in any order. Source: batch processing guide, «Retrieve batch results».
 */

/** A longer line is kept on disk but never parsed. The longest real answers (300,000 tokens) are about 1.2 MB. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** So much of a longer line is looked at. An id has 64 characters at most, so this holds it wherever it may stand. */
export const LINE_HEAD_BYTES = 4096;

export interface ResultLine {
  readonly customId: string;
  readonly result: unknown;
}

/** Null when the line is not JSON or has no custom_id. */
export function parseResultLine(text: string): ResultLine | null {
  let value: unknown;
  try {
    // Some proxies put a byte order mark before the first line.
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    return null;
  }
  if (!isObject(value) || typeof value['custom_id'] !== 'string') return null;
  return { customId: value['custom_id'], result: value['result'] };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const HEAD = '{"custom_id":"';
// No escapes: every legal id is plain (1-64 of A-Z a-z 0-9 _ -), so a backslash means that a real parser must look.
const ID_AT_HEAD = /^\{"custom_id":"([\w-]{1,64})"/;
const ID_ANYWHERE = /"custom_id"\s*:\s*"([\w-]{1,64})"/;
const TYPE_ANYWHERE = /"result"\s*:\s*\{\s*"type"\s*:\s*"(\w+)"/;

/** The id when the line begins with it, as the API writes it; null says nothing. `head`: the first 80 characters. */
export function customIdAtHead(head: string): string | null {
  return head.startsWith(HEAD) ? (ID_AT_HEAD.exec(head)?.[1] ?? null) : null;
}

/** For a line too long to parse: what its first characters show. */
export function customIdInHead(head: string): string | null {
  return ID_ANYWHERE.exec(head)?.[1] ?? null;
}

export function resultTypeInHead(head: string): string | null {
  return TYPE_ANYWHERE.exec(head)?.[1] ?? null;
}
