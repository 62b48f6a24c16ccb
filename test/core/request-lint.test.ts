import { describe, expect, test } from 'vitest';
import { lintParams, requestSizeProblem } from '../../src/core/request-lint.ts';

const good = { model: 'claude-sonnet-5-5', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
const lint = (extra: object, version: '2026-10-21' | '2023-06-01' = '2026-10-21'): string =>
  lintParams({ ...good, ...extra }, version).join('\n');
const inMessage = (role: string, block: object): object => ({ messages: [{ role, content: [block] }] });

test('a plain request is let through', () => {
  expect(lint({})).toBe('');
  expect(lint({ thinking: { type: 'adaptive' }, tools: [], stream: false })).toBe('');
});

describe('refused under every version', () => {
  test.each([
    [{ stream: true }, '"stream"'],
    [{ speed: 'fast' }, '"speed"'],
    [{ store: true }, '"store"'],
    [{ previous_thread_event_id: 'x' }, '"previous_thread_event_id"'],
    [{ cache_hint: {} }, '"cache_hint"'],
    [{ context_hint: {} }, '"context_hint"'],
    [{ max_tokens: 0 }, '"max_tokens" must be a whole number of at least 1'],
    [{ max_tokens: -1 }, '"max_tokens" must be'],
    [{ max_tokens: 1.5 }, '"max_tokens" must be'],
    [{ max_tokens: '5' }, '"max_tokens" must be'],
    [{ max_tokens: undefined }, '"max_tokens" is missing'],
    [{ model: '' }, '"model" is missing'],
    [{ model: undefined }, '"model" is missing'],
    [{ messages: undefined }, '"messages" is missing'],
    [{ messages: [] }, '"messages" must be a list with at least one message'],
    [{ messages: 'hi' }, '"messages" must be a list'],
    [{ messages: ['hi'] }, 'messages.0 must be an object'],
  ])('%j', (extra, problem) => {
    expect(lint(extra)).toContain(problem);
    expect(lint(extra, '2023-06-01')).toContain(problem);
  });
});

test('what only batches refuse is let through in real time, and a stream is not', () => {
  const inRealTime = (extra: object): string =>
    lintParams({ ...good, ...extra }, '2026-10-21', 'real_time').join('\n');
  expect(inRealTime({ speed: 'fast', cache_hint: {} })).toBe('');
  expect(inRealTime({ stream: true })).toContain('"stream" cannot be in a request');
  expect(inRealTime({ max_tokens: 0 })).toContain('"max_tokens" must be');
});

describe('a tool that is asked for must be there', () => {
  const tools = [{ name: 'extract' }];
  test.each<[object, string]>([
    [{ tool_choice: { type: 'any' } }, 'there are no "tools"'],
    [{ tool_choice: { type: 'tool', name: 'extract' }, tools: [] }, 'there are no "tools"'],
    [{ tool_choice: { type: 'tool', name: 'find' }, tools }, 'asks for the tool "find"'],
    [{ tool_choice: { type: 'tool', name: 'extract' }, tools }, ''],
    [{ tool_choice: { type: 'tool', name: 'click' }, tools: [{ type: 'computer_toolset_20260801' }] }, ''],
    [{ tool_choice: { type: 'any' }, tools }, ''],
    [{ tool_choice: { type: 'auto' } }, ''],
  ])('%j: %s', (extra, problem) => {
    if (problem === '') expect(lint(extra)).toBe('');
    else expect(lint(extra)).toContain(problem);
  });
});

describe('refused under 2026-10-21 only', () => {
  test.each([
    [{ temperature: 1 }, 'set "api_version: 2023-06-01"'],
    [{ top_p: 0.9 }, '"top_p" is refused'],
    [{ top_k: 5 }, '"top_k" is refused'],
    [inMessage('assistant', { type: 'document' }), 'messages.0: a document in an assistant message'],
    [
      inMessage('user', { type: 'text', text: 'a', citations: [{}] }),
      'messages.0: a text with citations in a user message',
    ],
  ])('%j', (extra, problem) => {
    expect(lint(extra)).toContain(problem);
    expect(lint(extra, '2023-06-01')).toBe('');
  });

  test.each([
    inMessage('user', { type: 'document' }),
    inMessage('user', { type: 'text', text: 'a', citations: [] }),
    inMessage('user', { type: 'text', text: 'a', citations: null }),
    inMessage('assistant', { type: 'text', text: 'a', citations: [{}] }),
  ])('%j is let through', (extra) => {
    expect(lint(extra)).toBe('');
  });
});

test('32,000,000 bytes are taken and one more is not, counted in UTF-8', () => {
  expect(requestSizeProblem('x'.repeat(32_000_000))).toBeNull();
  expect(requestSizeProblem('x'.repeat(32_000_001))).toContain('32,000,001 bytes');
  expect(requestSizeProblem('é'.repeat(16_000_000))).toBeNull();
  expect(requestSizeProblem('é'.repeat(16_000_001))).toContain('32,000,002 bytes');
});
