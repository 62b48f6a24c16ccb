import { type JobFileProblem, stageLabel } from './job-file-problems.ts';
import { didYouMean } from './nearest.ts';
import { takenName } from './reserved-names.ts';
import type { Stage } from './stage.ts';

/** What is wrong between the stages of a list: their names, what they need, where they write. */
export function* stageListProblems(stages: readonly Stage[]): Generator<JobFileProblem> {
  for (const [index, stage] of stages.entries()) {
    const earlier = stages.slice(0, index);
    const label = stageLabel(stage.name, index);
    yield* nameProblems(stage, earlier, ['stages', index, 'name']);
    yield* needProblems(stage, stages, index, label);
    // Another stage writes over it then: only within one stage are equal paths made distinct.
    const twin = earlier.find(({ output }) => output?.path != null && output.path === stage.output?.path);
    if (twin !== undefined) {
      const problem = `${label}"output" is the path of stage "${twin.name}" too; one would overwrite the other`;
      yield { path: ['stages', index, 'output'], problem };
    }
  }
}

function* nameProblems(
  { name }: Stage,
  earlier: readonly Stage[],
  path: JobFileProblem['path'],
): Generator<JobFileProblem> {
  const taken = takenName(name);
  if (taken !== null) yield { path, problem: `${taken}; give the stage another name` };
  // Files are named after stages, and to some systems `Notes` and `notes` are one file.
  const twin = earlier.find((stage) => stage.name.toLowerCase() === name.toLowerCase());
  if (twin === undefined) return;
  const problem =
    twin.name === name
      ? `there are two stages "${name}"`
      : `the stages "${twin.name}" and "${name}" differ only in capitals; some file systems take them for one`;
  yield { path, problem };
}

function* needProblems(
  { name, needs }: Stage,
  stages: readonly Stage[],
  index: number,
  label: string,
): Generator<JobFileProblem> {
  const path = ['stages', index, 'needs'];
  const names = stages.map((stage) => stage.name);
  const earlier = names.slice(0, index);
  for (const [position, need] of needs.entries()) {
    if (needs.indexOf(need) !== position) {
      yield { path: [...path, position], problem: `${label}"needs" names "${need}" twice` };
      continue;
    }
    if (earlier.includes(need)) continue;
    const why =
      need === name
        ? 'which is itself'
        : names.includes(need)
          ? 'which stands after it; a stage stands after what it needs'
          : `but there is no such stage${didYouMean(need, earlier)}`;
    yield { path: [...path, position], problem: `${label}"needs" names "${need}", ${why}` };
  }
}
