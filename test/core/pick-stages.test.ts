import { expect, test } from 'vitest';
import type { JobFile } from '../../src/core/job-file.ts';
import { checkJobFile } from '../../src/core/job-file-check.ts';
import { pickStages } from '../../src/core/pick-stages.ts';

/** notes ─ outline ─ report; report needs notes too. extra needs notes alone. */
function makeJob(): JobFile {
  const stage = { model: 'm', max_tokens: 1, prompt: 'p' };
  const checked = checkJobFile(
    {
      source: { axes: { n: '1-2' } },
      stages: [
        { name: 'notes', ...stage },
        { name: 'outline', needs: 'notes', ...stage },
        { name: 'report', needs: ['notes', 'outline'], ...stage },
        { name: 'extra', needs: 'notes', ...stage },
      ],
    },
    { path: 'x.job.yaml', dir: '' },
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.job;
}

test.each([
  [[], ['notes', 'outline<notes', 'report<notes+outline', 'extra<notes'], [], {}],
  [['notes'], ['notes'], [], {}],
  [['outline'], ['outline'], ['notes'], { outline: ['notes'] }],
  [['report'], ['report'], ['notes', 'outline'], { report: ['notes', 'outline'] }],
  [['outline', 'notes'], ['notes', 'outline<notes'], [], {}],
  [['notes', 'outline', 'report'], ['notes', 'outline<notes', 'report<notes+outline'], [], {}],
  [['extra', 'outline'], ['outline', 'extra'], ['notes'], { outline: ['notes'], extra: ['notes'] }],
  [['report', 'report'], ['report'], ['notes', 'outline'], { report: ['notes', 'outline'] }],
] as const)('--stage %j makes the job %j, given %j', (names, stages, given, uses) => {
  const picked = pickStages(makeJob(), names);
  expect(
    picked.job.stages.map(({ name, needs }) => (needs.length === 0 ? name : `${name}<${needs.join('+')}`)),
  ).toEqual(stages);
  expect(picked.given.map(({ name }) => name)).toEqual(given);
  expect(picked.uses).toEqual(uses);
});

test('a stage that is not there is named with those that are', () => {
  expect(() => pickStages(makeJob(), ['reprot'])).toThrow(
    expect.objectContaining({
      code: 'unknown_stage',
      message: 'x.job.yaml has no stage "reprot"; did you mean "report"?',
      why: 'its stages are: notes, outline, report, extra',
    }),
  );
});

test('a stage does not take one need from the job and another from files', () => {
  expect(() => pickStages(makeJob(), ['outline', 'report'])).toThrow(
    expect.objectContaining({
      code: 'stages_mixed',
      next: 'add --stage notes, or run --stage outline first and then --stage report',
    }),
  );
});
