/** Where an answer goes when the job file does not say: relative to the workspace, like every stored path. */
export function defaultOutputPath(resultsDir: string, stage: string, customId: string): string {
  return `${resultsDir}/out/${stage}/${customId}.md`;
}
