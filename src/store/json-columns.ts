import { StoreError } from '../core/errors.ts';
import type { JobSpec } from '../core/job.ts';
import { FAILURE_CLASSES, type FailureClass, type Tally } from '../core/result.ts';
import { DEFAULT_SHARD_LIMITS } from '../core/shard.ts';
import type { Fence } from '../core/submission.ts';

/**
 * The JSON columns, which only this folder writes. Checked by hand: `list` and `status` read them, and loading zod costs
 * more than starting Node does (46 ms against 40 ms, Node 24, zod 4.6).
 */
export function readSpec(json: string): JobSpec {
  const spec = parse('jobs.spec_json', json);
  return {
    apiVersion: spec.text('apiVersion'),
    betas: spec.has('betas') ? spec.texts('betas') : [],
    model: spec.textOrNull('model'),
    stages: spec.texts('stages'),
    needs: spec.has('needs') ? spec.object('needs').allTexts() : {},
    retry: spec.has('retry') ? readRetry(spec) : null,
    needsFrozen: spec.has('needsFrozen') && spec.flag('needsFrozen'),
    changedOnly: spec.has('changedOnly') && spec.flag('changedOnly'),
    limits: spec.has('limits') ? readLimits(spec) : DEFAULT_SHARD_LIMITS,
    private: spec.flag('private'),
    on: spec.text('on') === 'emulator' ? 'emulator' : 'api',
    file: spec.textOrNull('file'),
  };
}

function readRetry(spec: ReturnType<typeof fieldsOf>): JobSpec['retry'] {
  if (spec.isNull('retry')) return null;
  const retry = spec.object('retry');
  const on = retry.texts('on');
  return { attempts: retry.number('attempts'), on: FAILURE_CLASSES.filter((name) => on.includes(name)) };
}

function readLimits(spec: ReturnType<typeof fieldsOf>): JobSpec['limits'] {
  const limits = spec.object('limits');
  return { maxRequests: limits.number('maxRequests'), maxBytes: limits.number('maxBytes') };
}

export function readFence(json: string): Fence {
  const fence = parse('submissions.fence_json', json);
  return {
    batchIds: fence.texts('batchIds'),
    serverMs: fence.numberOrNull('serverMs'),
    workspaceId: fence.textOrNull('workspaceId'),
    organizationId: fence.textOrNull('organizationId'),
  };
}

export function readTally(json: string): Tally {
  const tally = parse('shards.tally_json', json);
  const usage = tally.object('usage');
  const counted = tally.object('failures');
  const failures: Partial<Record<FailureClass, number>> = {};
  for (const name of FAILURE_CLASSES) if (counted.has(name)) failures[name] = counted.number(name);
  return {
    requests: tally.number('requests'),
    succeeded: tally.number('succeeded'),
    errored: tally.number('errored'),
    canceled: tally.number('canceled'),
    expired: tally.number('expired'),
    missing: tally.number('missing'),
    failures,
    usage: {
      input: usage.number('input'),
      output: usage.number('output'),
      cacheCreation: usage.number('cacheCreation'),
      cacheRead: usage.number('cacheRead'),
    },
  };
}

function parse(column: string, json: string) {
  try {
    return fieldsOf(column, JSON.parse(json));
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw damaged(column, error);
  }
}

function fieldsOf(column: string, value: unknown) {
  if (!isRecord(value)) throw damaged(column);
  const fields = value;

  function take<T>(name: string, accepts: (field: unknown) => field is T): T {
    const field = fields[name];
    if (!accepts(field)) throw damaged(`${column}, ${name}`);
    return field;
  }

  return {
    has: (name: string) => name in fields,
    isNull: (name: string) => fields[name] === null,
    allTexts: () => Object.fromEntries(Object.keys(fields).map((name) => [name, take(name, isTexts)])),
    text: (name: string) => take(name, isText),
    textOrNull: (name: string) => (fields[name] === null ? null : take(name, isText)),
    texts: (name: string) => take(name, isTexts),
    number: (name: string) => take(name, isNumber),
    numberOrNull: (name: string) => (fields[name] === null ? null : take(name, isNumber)),
    flag: (name: string) => take(name, isFlag),
    object: (name: string) => fieldsOf(`${column}, ${name}`, fields[name]),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

function damaged(where: string, cause?: unknown): StoreError {
  return new StoreError('the store is damaged', {
    code: 'store_damaged',
    why: `${where} does not hold what batchctl writes there`,
    next: 'restore a copy of .batchctl/state.db; batches that were sent go on meanwhile',
    cause,
  });
}
