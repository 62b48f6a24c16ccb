import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../src/core/errors.ts';
import type { Job } from '../../src/core/job.ts';
import { type ModelFacts, mergeFacts } from '../../src/core/model-facts.ts';
import { shippedModel, unknownModel } from '../../src/core/models.ts';
import { frozenPath } from '../../src/core/ports/files.ts';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import type { Stage } from '../../src/core/stage.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

const LATER: Stage = {
  name: 'later',
  needs: ['main'],
  model: 'claude-haiku-5-5',
  maxTokens: 500,
  params: {},
  system: null,
  prompt: { kind: 'text', text: '{{ main.text }}' },
  messages: null,
  attach: [],
  tools: null,
  toolChoice: null,
  cache: null,
  schema: null,
  output: null,
};

/** The API with other words about its models; counts how often it was asked. */
function describing(
  bench: Workbench,
  describe: BatchProvider['describeModel'],
): { deps: Deps; asked: string[] } {
  const asked: string[] = [];
  const describeModel: BatchProvider['describeModel'] = (name, more) => {
    asked.push(name);
    return describe(name, more);
  };
  return { asked, deps: { ...bench.deps, provider: { ...bench.deps.provider, describeModel } } };
}

const saying =
  (facts: Partial<ModelFacts>) =>
  (name: string): Promise<ModelFacts> =>
    Promise.resolve({ ...unknownModel(name), ...facts });

describe('before the first shard goes out', () => {
  it('the API is asked once about the model, however many shards there are', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(60, { maxRequests: 20 });
    const { deps, asked } = describing(bench, bench.deps.provider.describeModel);
    await runJob(job, FAST, deps, signal);
    expect(asked).toEqual(['claude-haiku-5-5']);
    expect(await bench.ownBatches()).toHaveLength(4);
  });

  it('limits of the API win over the shipped ones, and the job is withdrawn', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(5);
    const { deps } = describing(bench, saying({ maxOutputTokens: 300 }));
    await expect(runJob(job, FAST, deps, signal)).rejects.toMatchObject({
      name: 'UsageError',
      code: 'sample_refused',
      why: '"max_tokens" is 400; claude-haiku-5-5 writes at most 300, so lower it, or add "betas: [output-300k-2026-03-24]" and send it as a batch',
    });
    expect((await bench.truth()).posts).toHaveLength(0);
    const after = await bench.deps.store.jobById(job.id);
    expect(after).toMatchObject({ state: 'built', submitRequestedAt: null });
    await bench.run(after);
    expect(await bench.ownBatches()).toHaveLength(1);
  });

  it('a model that cannot be batched is refused', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(5);
    const { deps } = describing(bench, saying({ takesBatches: false }));
    await expect(runJob(job, FAST, deps, signal)).rejects.toMatchObject({
      code: 'sample_refused',
      why: expect.stringContaining('cannot be used in batches'),
    });
  });

  it('and the same model is let through in real time', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(5);
    const { deps } = describing(bench, saying({ takesBatches: false }));
    const { job: done } = await runJob(job, { ...FAST, mode: 'real_time' }, deps, signal);
    expect(done.state).toBe('done');
  });

  it('a failed look is told and stops nothing', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(5);
    const { deps } = describing(bench, () =>
      Promise.reject(
        new ProviderError('the description of model claude-haiku-5-5: the API answered 403', {
          code: 'permission_error',
          next: 'again',
          why: 'no',
          status: 403,
        }),
      ),
    );
    await runJob(job, FAST, deps, signal);
    expect(await bench.ownBatches()).toHaveLength(1);
    expect(bench.told).toContainEqual({
      kind: 'notice',
      text: 'the limits of claude-haiku-5-5 are those that batchctl knows: the description of model claude-haiku-5-5: the API answered 403 (no)',
    });
  });

  it('a server without descriptions of models is believed only with a token count', async () => {
    const bench = await makeWorkbench();
    const none = describing(bench, () => Promise.resolve(null));
    await runJob(await bench.build(5), FAST, none.deps, signal);
    expect(await bench.ownBatches()).toHaveLength(1);
    const typo = await bench.build(5, {}, { model: 'claude-hiaku-5-5', name: 'typo' });
    await expect(bench.run(typo)).rejects.toMatchObject({
      code: 'sample_refused',
      why: '"model": the API knows none of the name claude-hiaku-5-5; check it',
    });
  });
});

describe('a stage that waits for another', () => {
  async function withLaterStage(bench: Workbench, later: Partial<Stage>): Promise<Job> {
    const job = await bench.build(5);
    const path = frozenPath(bench.deps.files.requestsDir(job.jobId));
    const frozen = {
      stages: [
        { ...LATER, name: 'main', needs: [] },
        { ...LATER, ...later },
      ],
    };
    bench.deps.files.replace(path, JSON.stringify(frozen), { private: false, durable: false });
    return job;
  }

  it('of the same model costs no further question', async () => {
    const bench = await makeWorkbench();
    const { deps, asked } = describing(bench, saying({ maxOutputTokens: 300 }));
    const job = await withLaterStage(bench, {});
    await expect(runJob(job, FAST, deps, signal)).rejects.toMatchObject({
      why: expect.stringMatching(/^stage "main": .*\nstage "later": "max_tokens" is 500; [^\n]*$/),
    });
    expect(asked).toEqual(['claude-haiku-5-5']);
  });

  it('is checked before the first one is paid', async () => {
    const bench = await makeWorkbench();
    const job = await withLaterStage(bench, { model: 'claude-hiaku-5-5' });
    await expect(bench.run(job)).rejects.toMatchObject({
      code: 'sample_refused',
      why: 'stage "later": "model": the API knows none of the name claude-hiaku-5-5; check it',
    });
    expect((await bench.truth()).posts).toHaveLength(0);
  });
});

it('the shipped table and the emulator agree about every model that both know', async () => {
  const bench = await makeWorkbench();
  const list = (await (
    await fetch(`${bench.emulator.url}/v1/models?limit=100`, {
      headers: { 'x-api-key': 'sk-emu-test', 'anthropic-version': '2026-10-21' },
    })
  ).json()) as { data: { id: string }[] };
  expect(list.data.length).toBeGreaterThan(15);
  for (const { id } of list.data) {
    const shipped = shippedModel(id);
    const described = await bench.deps.provider.describeModel(id, signal);
    if (shipped === null || described === null) throw new Error(id);
    const sorted = ({ thinking, efforts, retiresAt: _day, isRetired: _gone, ...rest }: ModelFacts) => ({
      ...rest,
      thinking: thinking?.toSorted(),
      efforts: efforts?.toSorted(),
    });
    expect(sorted(mergeFacts(shipped, described))).toEqual({ ...sorted(shipped), id });
  }
});
