import { UsageError } from '../core/errors.ts';
import { JsonTextError, parseExact } from '../core/json-exact.ts';
import type { JobFiles } from '../core/ports/files.ts';
import { parseRecordLine } from '../core/record-line.ts';
import { contentOf, usageDocument } from '../core/result-row.ts';
import type { OutputRule } from '../core/stage.ts';
import { compileTemplate, TemplateError } from '../core/template.ts';
import { exportProblem } from './output-export.ts';
import { type AnsweredRow, type MakeOutput, OutputProblem } from './write-outputs.ts';

export type MadeRule = OutputRule & { readonly content: { readonly kind: 'template' | 'module' } };

/** What later messages call the job, and what its modules are relative to. */
export interface OutputPlace {
  readonly jobId: string;
  readonly path: string;
  readonly dir: string;
}

/** @throws UsageError `output_module` when the module can make no output of the stage. */
export async function outputMaker(
  { content }: MadeRule,
  place: OutputPlace,
  files: Pick<JobFiles, 'loadModule'>,
): Promise<MakeOutput> {
  if (content.kind === 'module') return moduleMaker(content.module, place, files);
  if (content.template.kind === 'file') throw new Error(`"output.template" of ${place.path} was not read`);
  // The build has parsed it before. An answer may lack what its schema does not require.
  const name = content.template.name ?? 'output.template';
  const template = compileTemplate(content.template.text, name, { optionalColumns: true });
  return async (row, { recordLine, needs }) => {
    const facts = factsOf(row);
    const variables: Record<string, unknown> = Object.assign(Object.create(null), needs);
    for (const [name, value] of Object.entries(facts)) {
      variables[name] = value;
      variables[`answer_${name}`] = value;
    }
    try {
      return template.render({ fields: parseRecordLine(recordLine), variables });
    } catch (error) {
      if (error instanceof TemplateError) throw new OutputProblem(error.message);
      throw error;
    }
  };
}

async function moduleMaker(
  module: string,
  place: OutputPlace,
  files: Pick<JobFiles, 'loadModule'>,
): Promise<MakeOutput> {
  const loaded = await files.loadModule(place.dir, module);
  const why = loaded.ok ? exportProblem(loaded.exports) : loaded.why;
  const make = loaded.ok ? loaded.exports['default'] : undefined;
  if (why !== null || typeof make !== 'function') {
    throw new UsageError(`${module} cannot make the outputs of ${place.jobId}`, {
      code: 'output_module',
      why: why ?? 'it is no function',
      next: `mend it and run batchctl retrieve ${place.jobId}; the answers are safe`,
    });
  }
  return async (row, { recordLine, needs }) => {
    const facts = { ...factsOf(row), needs, record: { ...parseRecordLine(recordLine) } };
    try {
      const made: unknown = await Reflect.apply(make, undefined, [facts]);
      if (made === null || typeof made === 'string') return made;
      const json = JSON.stringify(made, null, 2);
      if (json !== undefined) return json;
    } catch (error) {
      throw new OutputProblem(`${module} threw: ${firstLine(error)}`);
    }
    throw new OutputProblem(`${module} returned neither text nor JSON; null means no file`);
  };
}

/** The names of an answer in templates and modules, as in results.jsonl. Which batch it came with is none of them. */
function factsOf({ customId, stage, group, judgement, line }: AnsweredRow) {
  const { text, jsonText, stopReason, model, usage } = judgement;
  return {
    custom_id: customId,
    stage,
    group,
    text: text ?? '',
    json: jsonText === null ? null : parseExact(jsonText),
    content: contentValue(line),
    stop_reason: stopReason,
    model,
    usage: usageDocument(usage),
  };
}

function contentValue(line: string): unknown {
  try {
    return parseExact(contentOf(line) ?? '[]');
  } catch (error) {
    // The input of a tool may be nested as deep as the model likes.
    if (error instanceof JsonTextError) throw new OutputProblem(`its content is ${error.problem}`);
    throw error;
  }
}

const SHOWN_CHARACTERS = 200;

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0]?.slice(0, SHOWN_CHARACTERS).toWellFormed() ?? '';
}
