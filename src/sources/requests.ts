import { JsonTextError, parseJson, refuseDeepNesting } from '../core/json-exact.ts';
import { type MemberSpan, memberSpans } from '../core/json-spans.ts';
import { didYouMean } from '../core/nearest.ts';
import type { Location, RecordSource, SourceItem } from '../core/record.ts';
import type { RequestsSource } from '../core/source.ts';
import { openCommand } from './command.ts';
import { openGiven } from './given.ts';
import { openLines } from './line-files.ts';
import { openModule } from './module.ts';
import type { SourcePlace } from './source-path.ts';

/** `source: {requests: …}`: ready-made lines {"custom_id", "params"}, from files, a program, a module or the caller. */
export function openRequests({ from }: RequestsSource, place: SourcePlace): RecordSource {
  switch (from.kind) {
    case 'files':
      return openLines(from.paths, place, readRequest);
    case 'command':
      return openCommand(from, place, readRequest);
    case 'module':
      return openModule(from, place, (fields, at) => readRequest(JSON.stringify(fields), at));
    case 'given':
      return openGiven(place, 'requests', (fields, at) => readRequest(JSON.stringify(fields), at));
  }
}

/**
 * The text of `params` is cut out of the line and goes on the wire as it was written: big integers, key order and
 * escapes included.
 */
function readRequest(text: string, at: Location): SourceItem {
  try {
    const value = parseJson(text);
    refuseDeepNesting(value);
    if (!isObject(value))
      return {
        kind: 'problem',
        problem: 'a line must be an object, {"custom_id": ..., "params": {...}}',
        at,
      };
    const members = memberSpans(text);
    const problem = lineProblem(value, members);
    if (problem !== null) return { kind: 'problem', problem, at };
    const { custom_id: customId, params } = value;
    const span = members.find((member) => member.name === 'params');
    if (span === undefined || typeof customId !== 'string' || !isObject(params))
      throw new Error('lineProblem let a bad line through');
    return { kind: 'ready', customId, params, paramsJson: text.slice(span.start, span.end), at };
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    return { kind: 'problem', problem: `${error.problem} (column ${error.offset + 1})`, at };
  }
}

/** What the create call would refuse in the line itself; what it holds in `params` is for request-lint.ts. */
function lineProblem(
  value: Readonly<Record<string, unknown>>,
  members: readonly MemberSpan[],
): string | null {
  const names = members.map((member) => member.name);
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) return `"${twice}" stands twice in the line`;
  const { custom_id: customId, params } = value;
  const other = names.find((name) => name !== 'custom_id' && name !== 'params');
  if (other !== undefined) {
    if (other === 'body' || other === 'url' || other === 'method')
      return `"${other}" belongs to another provider's batch format; a line is {"custom_id": ..., "params": {...}}`;
    const guess = didYouMean(other, ['custom_id', 'params']);
    return guess === ''
      ? `"${other}" is not a key of a request; a line has "custom_id" and "params" only, so keep side data in a file of your own, joined by custom_id`
      : `"${other}" is not a key of a request${guess}`;
  }
  if (customId === undefined) return '"custom_id" is missing';
  if (typeof customId !== 'string') return '"custom_id" must be a text in double quotes';
  if (params === undefined) return '"params" is missing';
  if (!isObject(params)) return '"params" must be an object with the parameters of a message';
  return null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
