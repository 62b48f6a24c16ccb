import { STANDING } from './standing-faults.ts';

/** When a fault has its chance. */
export type FaultScope = 'early' | 'create' | 'message' | 'list' | 'retrieve' | 'results' | 'standing';

/** A fault as it is written and explained. */
export interface FaultDescription {
  readonly name: string;
  /** The kind of value that must be given, as a word for help texts; null for a fault without one. */
  readonly value: string | null;
  readonly summary: string;
}

/** While the body of a create comes in. */
const EARLY = [
  {
    name: 'cut-upload',
    value: 'FRACTION',
    summary: 'close the connection after this share of a create body',
  },
  {
    name: 'early-answer',
    value: 'STATUS',
    summary: 'answer a create with it after 64 KiB (or half) of its body, and reset',
  },
  {
    name: 'early-413',
    value: null,
    summary: 'answer a create 413 with HTML after 64 KiB (or half) of its body, and reset',
  },
] as const satisfies readonly FaultDescription[];

/** After a whole and valid create body. */
const CREATE = [
  { name: 'lost-reply', value: null, summary: 'create, close the connection without an answer' },
  { name: 'create-slow', value: 'SECONDS', summary: 'create, answer so many real seconds later' },
  { name: 'create-hang', value: null, summary: 'create, never answer' },
  { name: 'create-hang-not-created', value: null, summary: 'do not create, never answer' },
  { name: 'create-500', value: null, summary: 'answer 500 api_error; not created' },
  { name: 'create-500-created', value: null, summary: 'answer 500 api_error; created nevertheless' },
  { name: 'create-529', value: null, summary: 'answer 529 overloaded_error; not created' },
  { name: 'create-409', value: null, summary: 'answer 409 conflict_error; not created' },
  { name: 'create-408', value: null, summary: 'answer 408; not created' },
  { name: 'create-html-502', value: null, summary: 'answer 502 with HTML; not created' },
  { name: 'create-html-502-created', value: null, summary: 'answer 502 with HTML; created nevertheless' },
  { name: 'create-429', value: 'SECONDS', summary: 'answer 429 with this retry-after; not created' },
  { name: 'create-429-bare', value: null, summary: 'answer 429 without retry-after; not created' },
  {
    name: 'create-spend-cap',
    value: null,
    summary: 'answer 429 enforced_spend_limit_reached, no retry-after; not created',
  },
  {
    name: 'create-400-limit',
    value: null,
    summary: 'answer 400, the usage limit set by the user is reached; not created',
  },
  { name: 'create-401', value: null, summary: 'answer 401, the key is refused; not created' },
  { name: 'create-403', value: null, summary: 'answer 403 permission_error; not created' },
  { name: 'create-404', value: null, summary: 'answer 404 not_found_error; not created' },
  { name: 'create-redirect', value: 'URL', summary: 'answer 307 to this address; not created' },
  { name: 'create-cut-answer', value: null, summary: 'create, answer 200 with half of the JSON' },
  { name: 'create-wrong-count', value: null, summary: 'create, answer counts that are one short' },
  { name: 'create-repeat-id', value: null, summary: 'create, answer with the id of an earlier batch' },
] as const satisfies readonly FaultDescription[];

/** After a whole and valid Messages call. */
const MESSAGE = [
  { name: 'message-slow', value: 'SECONDS', summary: 'answer a message so many real seconds later' },
  {
    name: 'message-drop',
    value: null,
    summary: 'answer a message by closing the connection; paid nevertheless',
  },
  {
    name: 'message-cut-answer',
    value: null,
    summary: 'answer a message with half of the JSON; paid nevertheless',
  },
  { name: 'message-pretty', value: null, summary: 'answer a message with JSON on several lines' },
  { name: 'message-429', value: 'SECONDS', summary: 'answer a message 429 with this retry-after' },
  { name: 'message-429-bare', value: null, summary: 'answer a message 429 without retry-after' },
  {
    name: 'message-spend-cap',
    value: null,
    summary: 'answer a message 429 enforced_spend_limit_reached, no retry-after',
  },
  { name: 'message-500', value: null, summary: 'answer a message 500 api_error' },
  { name: 'message-529', value: null, summary: 'answer a message 529 overloaded_error' },
  { name: 'message-html-502', value: null, summary: 'answer a message 502 with HTML' },
  { name: 'message-html-413', value: null, summary: 'answer a message 413 with HTML' },
  { name: 'message-401', value: null, summary: 'answer a message 401, the key is refused' },
  { name: 'message-402', value: null, summary: 'answer a message 402 billing_error' },
  { name: 'message-403', value: null, summary: 'answer a message 403 permission_error' },
  { name: 'message-redirect', value: 'URL', summary: 'answer a message 307 to this address' },
] as const satisfies readonly FaultDescription[];

/** Instead of a list. */
const LIST = [
  { name: 'list-500', value: null, summary: 'answer a list 500 api_error' },
  { name: 'list-forbidden', value: null, summary: 'answer a list 403 permission_error' },
  { name: 'list-other-workspace', value: null, summary: 'answer a list as another, empty workspace' },
] as const satisfies readonly FaultDescription[];

/** Instead of one batch. */
const RETRIEVE = [
  { name: 'get-500', value: null, summary: 'answer a retrieve 500 api_error' },
  { name: 'get-429', value: 'SECONDS', summary: 'answer a retrieve 429 with this retry-after' },
  { name: 'get-404', value: null, summary: 'answer a retrieve 404 not_found_error' },
] as const satisfies readonly FaultDescription[];

/** In the results of one ended batch. */
const RESULTS = [
  { name: 'results-not-found', value: null, summary: 'answer 404 although the batch has ended' },
  {
    name: 'results-cut',
    value: 'FRACTION',
    summary: 'the connection closes inside a line, after this share of the rows',
  },
  {
    name: 'results-short',
    value: 'FRACTION',
    summary: 'a clean end at a line end, after this share of the rows',
  },
  { name: 'results-duplicate', value: null, summary: 'every tenth line comes twice, the first one included' },
  {
    name: 'results-conflict',
    value: null,
    summary: 'the first custom_id comes twice, with different content',
  },
  {
    name: 'results-unknown',
    value: null,
    summary: 'an extra line first, with a custom_id that was never sent',
  },
  { name: 'results-blank-lines', value: null, summary: 'blank lines between the lines' },
  { name: 'results-garbage', value: null, summary: 'an extra line that is not JSON' },
  { name: 'results-long-line', value: 'BYTES', summary: 'the text of the first row is this long' },
  { name: 'results-long-lines', value: 'BYTES', summary: 'the text of every row is this long' },
  { name: 'results-odd-type', value: null, summary: 'the first row has a result type that nobody knows' },
  { name: 'results-slow', value: 'BYTES_PER_SECOND', summary: 'send results no faster than this' },
  { name: 'results-reversed', value: null, summary: 'the same lines in the opposite order' },
  {
    name: 'results-odd-bytes',
    value: null,
    summary:
      'a byte order mark first, CR before each line end, U+2028 and bytes that are not UTF-8 in the first text',
  },
  {
    name: 'results-odd-block',
    value: null,
    summary: 'the first answer has a content block that nobody knows',
  },
  {
    name: 'results-gzip',
    value: null,
    summary: 'send the results gzip-encoded, although nobody asked for that',
  },
  {
    name: 'results-gzip-bomb',
    value: null,
    summary: 'send 1 GB of blanks as 1 MB of gzip, although nobody asked for that',
  },
  {
    name: 'results-stall',
    value: 'FRACTION',
    summary: 'after this share of the rows send nothing more, and stay',
  },
] as const satisfies readonly FaultDescription[];

/**
 * Every fault. One of scope `standing` holds while it is set; the others happen to the first `@count` calls they match
 * (one, if no count is given).
 */
export const FAULTS = [
  ...inScope('early', EARLY),
  ...inScope('create', CREATE),
  ...inScope('message', MESSAGE),
  ...inScope('list', LIST),
  ...inScope('retrieve', RETRIEVE),
  ...inScope('results', RESULTS),
  ...inScope('standing', STANDING),
] as const;

/** The name of a fault that exists. */
export type FaultName = (typeof FAULTS)[number]['name'];

/** The name of a fault that holds while it is set. */
export type StandingFaultName = (typeof STANDING)[number]['name'];

function inScope<T extends FaultDescription>(
  scope: FaultScope,
  faults: readonly T[],
): (T & { readonly scope: FaultScope })[] {
  return faults.map((fault) => ({ ...fault, scope }));
}
