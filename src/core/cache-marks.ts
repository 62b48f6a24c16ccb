import type { CacheTtl } from './stage.ts';

// Source: platform.claude.com/docs/en/build-with-claude/prompt-caching, «Explicit cache breakpoints»
const MAX_MARKS = 4;

type Params = Readonly<Record<string, unknown>>;

/** `{"type":"ephemeral","ttl":…}` */
export function cacheControl(ttl: CacheTtl): { readonly type: 'ephemeral'; readonly ttl: CacheTtl } {
  return { type: 'ephemeral', ttl };
}

/** Which turns carry a mark when the last `count` of the user's do. */
export function markedTurns(roles: readonly string[], count: number): ReadonlySet<number> {
  const users = roles.flatMap((role, index) => (role === 'user' ? [index] : []));
  return new Set(users.slice(-count));
}

/**
 * What the API would refuse in the cache marks of a request, in the order in which it reads them: tools, system,
 * messages, the automatic one at the end.
 * Source: platform.claude.com/docs/en/build-with-claude/prompt-caching («Mixing different TTLs», «Edge cases»)
 */
export function lintCacheMarks(params: Params): readonly string[] {
  const ttls = [...marksOf(params)];
  const problems: string[] = [];
  if (ttls.length > MAX_MARKS)
    problems.push(`there are ${ttls.length} cache marks; the API takes at most ${MAX_MARKS}, so remove some`);
  const shorter = ttls.indexOf('5m');
  if (shorter !== -1 && ttls.indexOf('1h', shorter) !== -1)
    problems.push(
      'a cache mark of 1h stands after one of 5m (order: tools, system, messages); the API takes the longer first, so give both the same time',
    );
  const [automatic, last] = [ttlOf(params), lastMark(params)];
  if (automatic !== null && last !== null && automatic !== last)
    problems.push(
      `"cache_control" says ${automatic} and the last block of the messages ${last}; give both the same time`,
    );
  return problems;
}

function* marksOf(params: Params): Generator<string> {
  yield* marksIn(params['tools']);
  yield* marksIn(params['system']);
  const messages = params['messages'];
  for (const message of Array.isArray(messages) ? messages : []) {
    if (isObject(message)) yield* marksIn(message['content']);
  }
  const automatic = ttlOf(params);
  // On a block that is marked already it does nothing.
  if (automatic !== null && lastMark(params) === null) yield automatic;
}

function lastMark(params: Params): string | null {
  const messages = params['messages'];
  const message: unknown = Array.isArray(messages) ? messages.at(-1) : null;
  const content = isObject(message) ? message['content'] : null;
  const block: unknown = Array.isArray(content) ? content.at(-1) : null;
  return isObject(block) ? ttlOf(block) : null;
}

function* marksIn(blocks: unknown): Generator<string> {
  for (const block of Array.isArray(blocks) ? blocks : []) {
    const ttl = isObject(block) ? ttlOf(block) : null;
    if (ttl !== null) yield ttl;
  }
}

function ttlOf(block: Params): string | null {
  const mark = block['cache_control'];
  if (!isObject(mark)) return null;
  return typeof mark['ttl'] === 'string' ? mark['ttl'] : '5m';
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
