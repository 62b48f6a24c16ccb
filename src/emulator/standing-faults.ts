import type { FaultDescription } from './fault-list.ts';

/** As long as they are set. */
export const STANDING = [
  {
    name: 'limit-bytes',
    value: 'BYTES',
    summary: 'answer 413 with HTML to a create body above this (otherwise 256,000,000)',
  },
  { name: 'limit-requests', value: 'NUMBER', summary: 'answer 413 with HTML to more requests than this' },
  {
    name: 'queue',
    value: 'NUMBER',
    summary: 'answer 429 when requests of unfinished batches that are not processed yet would exceed this',
  },
  {
    name: 'created-at',
    value: 'first-byte|last-byte',
    summary: 'what created_at means (otherwise last-byte)',
  },
  { name: 'list-order', value: 'created|id', summary: 'what the list is sorted by (otherwise created)' },
  {
    name: 'colleague',
    value: 'NUMBER',
    summary: 'so many foreign batches of equal size before and after each whole create',
  },
  {
    name: 'not-found',
    value: 'SECONDS',
    summary: 'retrieve and results are 404 for so many server seconds after create',
  },
  {
    name: 'list-lag',
    value: 'SECONDS',
    summary: 'a batch is listed only so many server seconds after create',
  },
  {
    name: 'list-page',
    value: 'NUMBER',
    summary: 'a page of the list of batches holds at most so many, although more is there',
  },
  { name: 'list-has-more', value: null, summary: 'has_more is true on the last page of the list too' },
  {
    name: 'list-cursor',
    value: '400|404|empty',
    summary: 'what an after_id answers whose batch is not in the list (otherwise 400)',
  },
  {
    name: 'not-found-now-and-then',
    value: 'SHARE',
    summary: 'this share of calls for a batch or its results is 404, by chance',
  },
  { name: 'no-date', value: null, summary: 'no Date header' },
  { name: 'no-workspace', value: null, summary: 'no anthropic-workspace-id header' },
  { name: 'key-revoked', value: 'KEY', summary: 'answer every call with this key 401' },
  { name: 'key-forbidden', value: 'KEY', summary: 'answer every call with this key 403 permission_error' },
  {
    name: 'archive-after',
    value: 'SECONDS',
    summary: 'results are removed so many server seconds after create (otherwise 29 days)',
  },
  { name: 'odd-date', value: null, summary: 'a Date header that is no time' },
  {
    name: 'date-off',
    value: '±SECONDS',
    summary: 'Date is so many seconds ahead of created_at, or behind it with a minus',
  },
  { name: 'live-counts', value: null, summary: 'counts move before the batch has ended' },
  {
    name: 'odd-status',
    value: null,
    summary: 'processing_status is an unknown word until the batch has ended',
  },
  {
    name: 'results-missing',
    value: 'NUMBER',
    summary: 'so many rows, always the same, are never in the results',
  },
  {
    name: 'cold-cache',
    value: 'NUMBER',
    summary:
      'so many rows of a batch begin at once, and read only what earlier batches have written for an hour',
  },
  {
    name: 'odd-ids',
    value: 'dots|slashes|marks|long',
    summary: 'ids of new batches begin with ../, hold slashes or marks, or are 200 characters long',
  },
  {
    name: 'results-ranges',
    value: null,
    summary: 'results have an ETag, and whoever names it gets their rest by Range (otherwise neither)',
  },
  { name: 'results-url', value: 'ORIGIN', summary: 'results_url names this origin' },
  { name: 'rows-errored', value: 'SHARE', summary: 'this share of rows ends errored (api_error)' },
  {
    name: 'rows-invalid',
    value: 'SHARE',
    summary: 'this share of rows ends errored (invalid_request_error)',
  },
  { name: 'rows-overloaded', value: 'SHARE', summary: 'this share of rows ends errored (overloaded_error)' },
  { name: 'rows-expired', value: 'SHARE', summary: 'this share of rows ends expired' },
  { name: 'rows-refused', value: 'SHARE', summary: 'this share of rows succeeds with stop_reason refusal' },
  {
    name: 'rows-truncated',
    value: 'SHARE',
    summary: 'this share of rows succeeds with stop_reason max_tokens',
  },
  { name: 'rows-paused', value: 'SHARE', summary: 'this share of rows succeeds with stop_reason pause_turn' },
  { name: 'rows-empty', value: 'SHARE', summary: 'this share of rows succeeds without any text' },
  {
    name: 'rows-standard',
    value: 'SHARE',
    summary: 'this share of rows was answered, and is charged, with service_tier standard',
  },
] as const satisfies readonly FaultDescription[];
