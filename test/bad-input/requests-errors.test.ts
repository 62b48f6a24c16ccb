import { testBadData } from './bad-data.ts';

const ready = (params: string, id = '"a"'): string => `{"custom_id":${id},"params":${params}}\n`;
const messages = '"messages":[{"role":"user","content":"hi"}]';
const params = `{"model":"m","max_tokens":5,${messages}}`;
const requests = { source: 'requests: r.jsonl', job: null } as const;

testBadData('ready-made requests', [
  {
    claim: 'requests: a missing custom_id is refused',
    ...requests,
    files: { 'r.jsonl': `{"params":${params}}\n` },
    problems: ['r.jsonl:1: "custom_id" is missing'],
  },
  {
    claim: 'requests: a custom_id that is a number is refused',
    ...requests,
    files: { 'r.jsonl': ready(params, '5') },
    problems: ['r.jsonl:1: "custom_id" must be a text'],
  },
  {
    claim: 'requests: an empty custom_id is refused',
    ...requests,
    files: { 'r.jsonl': ready(params, '""') },
    problems: ['r.jsonl:1: "custom_id" is empty'],
  },
  {
    claim: 'requests: missing params are refused',
    ...requests,
    files: { 'r.jsonl': '{"custom_id":"a"}\n{"custom_id":"b","params":[]}\n' },
    problems: ['r.jsonl:1: "params" is missing', 'r.jsonl:2: "params" must be an object'],
  },
  {
    claim: 'requests: side data is refused with the way out',
    ...requests,
    files: { 'r.jsonl': `{"custom_id":"a","metadata":{},"params":${params}}\n` },
    problems: [
      'r.jsonl:1: "metadata" is not a key of a request; a line has "custom_id" and "params" only, so keep side data',
    ],
  },
  {
    claim: "requests: another provider's line is recognised",
    ...requests,
    files: { 'r.jsonl': '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}\n' },
    problems: ["belongs to another provider's batch format"],
  },
  {
    claim: 'requests: a key that stands twice is refused',
    ...requests,
    files: { 'r.jsonl': `{"custom_id":"a","custom_id":"b","params":${params}}\n` },
    problems: ['"custom_id" stands twice'],
  },
  {
    claim: 'requests: a line that is no object is refused',
    ...requests,
    files: { 'r.jsonl': '[]\n' },
    problems: ['r.jsonl:1: a line must be an object'],
  },
  {
    claim: 'requests: sampling parameters are refused',
    ...requests,
    files: { 'r.jsonl': ready(`{"model":"m","max_tokens":5,"top_p":1,${messages}}`) },
    problems: ['r.jsonl:1: params: "top_p" is refused under api_version 2026-10-21'],
  },
  {
    claim: 'requests: stream and max_tokens 0 are refused',
    ...requests,
    files: { 'r.jsonl': ready(`{"model":"m","max_tokens":0,"stream":true,${messages}}`) },
    problems: ['"max_tokens" must be a whole number of at least 1'],
  },
  {
    claim: 'requests: a missing model and messages are refused',
    ...requests,
    files: { 'r.jsonl': ready('{"max_tokens":5}') },
    problems: ['"model" is missing; name one, such as claude-sonnet-5-5; params: "messages" is missing'],
  },
  {
    claim: 'requests: a document in an assistant message is refused',
    ...requests,
    files: {
      'r.jsonl': ready(
        '{"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"document"}]}]}',
      ),
    },
    problems: ['messages.0: a document in an assistant message'],
  },
  {
    claim: 'requests: half a character is refused',
    ...requests,
    files: {
      'r.jsonl': ready('{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"\\uD83D"}]}'),
    },
    problems: ['half a character'],
  },
]);
