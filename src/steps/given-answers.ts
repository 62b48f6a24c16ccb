import { InputError, UsageError } from '../core/errors.ts';
import { JsonTextError, parseExact } from '../core/json-exact.ts';
import { writesNoFiles } from '../core/output-place.ts';
import type { PickedStages } from '../core/pick-stages.ts';
import type { OutputTexts } from '../core/record.ts';
import type { Stage } from '../core/stage.ts';
import type { StageAnswer } from '../core/stage-answer.ts';
import type { Template, TemplateScope } from '../core/template.ts';
import type { EarlierOutputs } from './earlier-outputs.ts';
import { templateCompiler } from './render-plan.ts';
import { RecordProblem, renderOutputPath, type Variables } from './render-stage.ts';

/** Answers of stages that are not asked now, from the files that an earlier run of them has written. */
export interface GivenAnswers {
  /** Stage of the job → the stages that it takes from files. */
  readonly uses: PickedStages['uses'];
  /** Stage → its answer for one record. Throws RecordProblem, TemplateError. */
  read(customId: string, scope: TemplateScope): Promise<Variables>;
}

export interface GivenDeps {
  readonly outputs: OutputTexts;
  /** Where a stage without an `output` of its own was written; null: nowhere. */
  readonly earlier: (stage: string) => Promise<EarlierOutputs | null>;
}

interface GivenStage {
  readonly name: string;
  /** may: a template or module of the stage wrote it, in whatever shape. */
  readonly json: 'must' | 'may' | 'no';
  readonly output: Template | null;
  readonly earlier: EarlierOutputs | null;
}

/** Null when every stage of the job gets its needs from the job itself. Throws UsageError `stage_without_output`. */
export async function openGiven(picked: PickedStages, deps: GivenDeps): Promise<GivenAnswers | null> {
  if (picked.given.length === 0) return null;
  const stages: GivenStage[] = [];
  for (const stage of picked.given) stages.push(await openStage(stage, picked, deps));
  const { job, uses } = picked;
  return {
    uses,
    async read(customId, scope) {
      const answers: Variables = Object.create(null);
      for (const stage of stages) {
        const earlier = (await stage.earlier?.find(customId)) ?? null;
        const path = earlier?.path ?? renderOutputPath(customId, scope, stage, job);
        if (path === null)
          throw new RecordProblem(
            `${stage.name}: job ${stage.earlier?.jobId} has no record ${customId}; ${commandFor(stage, picked)} makes it`,
          );
        if (earlier?.isAnswered === true && !deps.outputs.exists(path))
          throw new RecordProblem(
            `${stage.name}: ${path} is not there; batchctl retrieve ${stage.earlier?.jobId} writes it again`,
          );
        answers[stage.name] = await readAnswer(path, stage, picked, deps.outputs);
      }
      return answers;
    },
  };
}

async function openStage(stage: Stage, { job }: PickedStages, deps: GivenDeps): Promise<GivenStage> {
  const { name } = stage;
  const isAnswer = stage.output === null || stage.output.content.kind === 'answer';
  const json = stage.schema === null ? 'no' : isAnswer ? 'must' : 'may';
  const path = stage.output?.path ?? null;
  if (writesNoFiles(stage)) {
    throw new UsageError(`there are no files of stage "${name}" to build on`, {
      code: 'stage_without_output',
      why: 'its job file says "output: false", so that its answers are in results.jsonl alone',
      next: `batchctl submit ${job.path} --use-batch --changed takes them from there, and pays for nothing that is answered`,
    });
  }
  if (path !== null) {
    return { name, json, output: templateCompiler(job)(path, `output of ${name}`), earlier: null };
  }
  const earlier = await deps.earlier(name);
  if (earlier !== null) return { name, json, output: null, earlier };
  throw new UsageError(`there are no answers of stage "${name}" to build on`, {
    code: 'stage_without_output',
    why: `it has no "output" of its own, and no job "${job.name}" of this workspace has run it`,
    next: `batchctl submit ${job.path} --use-batch --stage ${name}, or leave --stage away`,
  });
}

async function readAnswer(
  path: string,
  stage: GivenStage,
  picked: PickedStages,
  outputs: OutputTexts,
): Promise<StageAnswer> {
  if (!outputs.exists(path)) {
    // --missing, for the others may be there: to ask for them again would be paid again.
    const command = `${commandFor(stage, picked)} --missing`;
    throw new RecordProblem(`${stage.name}: ${path} is not there; ${command} makes it`);
  }
  let file: string;
  try {
    file = await outputs.read(path);
  } catch (cause) {
    if (cause instanceof InputError) throw new RecordProblem(`${stage.name}: ${cause.message}`, { cause });
    throw cause;
  }
  // The newline that an answer gets as a text file.
  const text = file.endsWith('\n') ? file.slice(0, -1) : file;
  if (stage.json === 'no') return { text };
  try {
    return { text, json: parseExact(text) };
  } catch (cause) {
    if (!(cause instanceof JsonTextError)) throw cause;
    if (stage.json === 'may') return { text };
    throw new RecordProblem(`${stage.name}: ${path} is not JSON: ${cause.problem}`, { cause });
  }
}

function commandFor({ name }: GivenStage, { job }: PickedStages): string {
  return `batchctl submit ${job.path} --use-batch --stage ${name}`;
}
