import type { JobFileProblem } from './job-file-problems.ts';
import { checkMessages } from './messages-check.ts';
import { didYouMean } from './nearest.ts';
import type { StageInput } from './stage-schema.ts';

/** Where a stage stands in its job file. */
export interface StagePlace {
  readonly at: readonly (string | number)[];
  /** What its problems begin with; empty where there is no list of stages. */
  readonly label: string;
}

type Problems = Generator<JobFileProblem>;

// Parameters with a key of their own in the job file.
const OWN_KEYS: Readonly<Record<string, string>> = {
  model: 'model',
  max_tokens: 'max_tokens',
  system: 'system',
  messages: 'prompt" or "messages',
  tools: 'tools',
  tool_choice: 'tool_choice',
  betas: 'betas',
};

const MODULE_FILE = /\.[cm]?[jt]s$/;

/** What is wrong between the keys of one stage. */
export function* stageProblems(input: StageInput, { at, label }: StagePlace): Problems {
  yield* parameterProblems(input.params, { at, label });
  for (const { path, problem } of checkMessages(input, at)) yield { path, problem: `${label}${problem}` };
  for (const [key, problem] of rulesOf(input)) yield { path: [...at, ...key], problem: `${label}${problem}` };
}

/** Keys of `params` that the job file has keys for. */
export function* parameterProblems(params: StageInput['params'], { at, label }: StagePlace): Problems {
  for (const key of Object.keys(params ?? {})) {
    const own = Object.hasOwn(OWN_KEYS, key) ? OWN_KEYS[key] : undefined;
    if (own === undefined) continue;
    const problem = `${label}"params.${key}" has a key of its own; write it as "${own}" outside params`;
    yield { path: [...at, 'params', key], problem };
  }
}

/** A key within the stage, and what is wrong with it. */
type Broken = readonly [key: readonly (string | number)[], problem: string];

function* rulesOf(input: StageInput): Generator<Broken> {
  const { system, prompt, messages } = input;
  if (prompt !== undefined && messages !== undefined)
    yield [['messages'], '"messages" stands in the place of "prompt"; remove one of them'];
  if (typeof system === 'object' && (system.text === undefined) === (system.file === undefined))
    yield [['system'], '"system" must have either "text" or "file"'];
  for (const [index, { image, document }] of (input.attach ?? []).entries()) {
    if ((image === undefined) === (document === undefined))
      yield [['attach', index], `"attach.${index}" must have either "image" or "document"`];
  }
  yield* schemaRules(input.schema);
  yield* outputRules(input.output);
}

function* schemaRules(schema: StageInput['schema']): Generator<Broken> {
  if (typeof schema !== 'object') return;
  if (Object.keys(schema).length === 0)
    yield [['schema'], '"schema" is empty, so it says nothing about the answer'];
  if (!Object.hasOwn(schema, 'module')) return;
  for (const [key, value] of Object.entries(schema)) {
    if (key !== 'module' && key !== 'export') {
      const guess = didYouMean(key, ['module', 'export']);
      yield [['schema', key], `"${key}" is not a known key of "schema" with a module${guess}`];
    } else if (typeof value !== 'string' || value === '') {
      yield [['schema', key], `"schema.${key}" must be text`];
    } else if (key === 'module' && !MODULE_FILE.test(value)) {
      yield [['schema', key], notAModule('schema.module')];
    }
  }
}

function* outputRules(output: StageInput['output']): Generator<Broken> {
  if (typeof output !== 'object') return;
  const { path, template, module } = output;
  if (template !== undefined && module !== undefined)
    yield [['output'], '"output" must have either "template" or "module"'];
  if (path === undefined && template === undefined && module === undefined)
    yield [['output'], '"output" is empty; it has "path", and "template" or "module"'];
  if (module !== undefined && !MODULE_FILE.test(module))
    yield [['output', 'module'], notAModule('output.module')];
}

function notAModule(key: string): string {
  return `"${key}" must be a JavaScript or TypeScript module: .js, .mjs, .cjs, .ts, .mts or .cts`;
}
