import type { JobSpec } from '../core/job.ts';
import { type Fields, parseFields } from '../core/json-fields.ts';
import { FAILURE_CLASSES, type FailureClass, type Tally } from '../core/result.ts';
import { DEFAULT_SHARD_LIMITS } from '../core/shard.ts';
import { NO_SPENDING_RULES } from '../core/spending-rules.ts';
import type { Fence } from '../core/submission.ts';
import { readSpending } from './json-money.ts';

/**
 * The JSON columns, which only this folder writes. Checked by hand: `list` and `status` read them, and loading zod costs
 * more than starting Node does (46 ms against 40 ms, Node 24, zod 4.6).
 */
export function readSpec(json: string): JobSpec {
  const spec = parseFields('jobs.spec_json', json);
  return {
    apiVersion: spec.text('apiVersion'),
    betas: spec.has('betas') ? spec.texts('betas') : [],
    model: spec.textOrNull('model'),
    stages: spec.texts('stages'),
    needs: spec.has('needs') ? spec.object('needs').allTexts() : {},
    retry: spec.has('retry') ? readRetry(spec) : null,
    needsFrozen: spec.has('needsFrozen') && spec.flag('needsFrozen'),
    changedOnly: spec.has('changedOnly') && spec.flag('changedOnly'),
    spending: spec.has('spending') ? readSpending(spec.object('spending')) : NO_SPENDING_RULES,
    limits: spec.has('limits') ? readLimits(spec) : DEFAULT_SHARD_LIMITS,
    private: spec.flag('private'),
    on: spec.text('on') === 'emulator' ? 'emulator' : 'api',
    file: spec.textOrNull('file'),
    ...(spec.has('adopted') ? { adopted: true } : {}),
  };
}

function readRetry(spec: Fields): JobSpec['retry'] {
  if (spec.isNull('retry')) return null;
  const retry = spec.object('retry');
  const on = retry.texts('on');
  return { attempts: retry.number('attempts'), on: FAILURE_CLASSES.filter((name) => on.includes(name)) };
}

function readLimits(spec: Fields): JobSpec['limits'] {
  const limits = spec.object('limits');
  return { maxRequests: limits.number('maxRequests'), maxBytes: limits.number('maxBytes') };
}

export function readFence(json: string): Fence {
  const fence = parseFields('submissions.fence_json', json);
  return {
    batchIds: fence.texts('batchIds'),
    serverMs: fence.numberOrNull('serverMs'),
    ...(fence.has('skewMs') ? { skewMs: fence.number('skewMs') } : {}),
    workspaceId: fence.textOrNull('workspaceId'),
    organizationId: fence.textOrNull('organizationId'),
  };
}

export function readTally(json: string): Tally {
  const tally = parseFields('shards.tally_json', json);
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
