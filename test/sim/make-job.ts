import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { marker } from '../support/sample-job.ts';
import type { Seeded } from '../support/seeded.ts';

/** A job of the simulation. */
export interface SimJob {
  readonly name: string;
  readonly records: number;
  readonly groups: number;
  readonly stages: 1 | 2;
  readonly maxShardRequests: number;
  readonly retries: boolean;
}

export function drawJob(name: string, random: Seeded): SimJob {
  const records = random.pick([random.between(1, 4), random.between(2, 20), random.between(20, 60)]);
  return {
    name,
    records,
    // Groups of equal size cannot be told apart by their counts.
    groups: random.next() < 0.3 ? Math.min(records, random.between(2, 4)) : 1,
    stages: random.next() < 0.25 ? 2 : 1,
    maxShardRequests: Math.max(1, Math.ceil(records / random.between(1, 4))),
    retries: random.next() < 0.5,
  };
}

/** Its rows can be told apart by what comes back: the emulator quotes the prompt. */
export function writeJob(dir: string, job: SimJob): void {
  mkdirSync(dir, { recursive: true });
  const rows = ids(job).map((id, index) => `${id},word ${index},g${index % job.groups}`);
  writeFileSync(join(dir, `${job.name}.csv`), `id,word,part\n${rows.join('\n')}\n`);
  const prompt = `"${marker('{{id}}')}: explain {{word}}"`;
  const stages =
    job.stages === 1
      ? `prompt: ${prompt}`
      : `stages:\n  - { name: notes, prompt: ${prompt} }\n  - { name: report, needs: notes, prompt: "${marker('{{id}}')} report: {{notes.text}}" }`;
  writeFileSync(
    join(dir, `${job.name}.job.yaml`),
    [
      `name: ${job.name}`,
      'model: claude-haiku-5-5',
      'max_tokens: 300',
      `source: { csv: ${job.name}.csv }`,
      ...(job.groups > 1 ? ['group_by: part'] : []),
      ...(job.retries ? ['retry: { attempts: 3, on: [overloaded, expired, api_error, truncated] }'] : []),
      stages,
      '',
    ].join('\n'),
  );
}

export function ids(job: SimJob): readonly string[] {
  return Array.from({ length: job.records }, (_, index) => `${job.name}-r${index + 1}`);
}
