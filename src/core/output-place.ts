import type { Stage } from './stage.ts';

/** Where an answer goes when the job file does not say: relative to the workspace, like every stored path. */
export function defaultOutputPath(
  resultsDir: string,
  stage: string,
  customId: string,
  extension: 'md' | 'json' = 'md',
): string {
  return `${resultsDir}/out/${stage}/${customId}.${extension}`;
}

/** Its answers are in results.jsonl alone. */
export function writesNoFiles({ output }: Pick<Stage, 'output'>): boolean {
  return output?.content.kind === 'none';
}

/** A structured answer is written as JSON, unless a template makes text of it. */
export function defaultExtension({ schema, output }: Pick<Stage, 'schema' | 'output'>): 'md' | 'json' {
  return schema !== null && output?.content.kind !== 'template' ? 'json' : 'md';
}
