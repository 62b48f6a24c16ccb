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

/** A structured answer is written as JSON, unless a template makes text of it. */
export function defaultExtension({ schema, output }: Pick<Stage, 'schema' | 'output'>): 'md' | 'json' {
  return schema !== null && output?.content.kind !== 'template' ? 'json' : 'md';
}
