// Writes docs/cli.md from the program's own help. `node scripts/write-cli-docs.ts`
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { buildProgram } from '../src/cli/program.ts';

const HELP_WIDTH = 100;

export const CLI_DOCS = fileURLToPath(new URL('../docs/cli.md', import.meta.url));

/** Name and help of the program and of each command, in the order of the help. */
export async function readHelps(): Promise<readonly { readonly name: string; readonly help: string }[]> {
  const program = await buildProgram({ run: () => Promise.resolve() }, '0.0.0');
  const commands = program.commands.filter((command) => command.name() !== 'help');
  return [program, ...commands].map((command) => ({
    name: command === program ? 'batchctl' : `batchctl ${command.name()}`,
    help: helpOf(command),
  }));
}

/** All of docs/cli.md. */
export async function renderCliDocs(): Promise<string> {
  const helps = await readHelps();
  const sections = helps.map(({ name, help }) => `## ${name}\n\n\`\`\`text\n${help}\n\`\`\`\n`);
  return [HEAD, ...sections].join('\n');
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => HELP_WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trim();
}

const HEAD = `# Commands

What \`batchctl help\` and \`--help\` print, written by \`npm run docs\`. Exit codes are in [exit-codes.md](exit-codes.md), the
documents of \`--json\` in [json.md](json.md).

stdout is data and stderr is talk: \`batchctl retrieve latest -o - | jq .text\` works as it stands. Without a terminal on
stderr there is a plain line for each change instead of a spinner.

## Environment

| variable | meaning |
| --- | --- |
| \`ANTHROPIC_API_KEY\` | the key; else that one variable is read from the workspace's \`.env\`, of which nothing else is heeded |
| \`ANTHROPIC_BASE_URL\` | where calls go, https or this machine; from the environment only, and named on stderr |
| \`NO_COLOR\`, \`TERM=dumb\` | no colours |
| \`BATCHCTL_EMULATOR_URL\` | a running \`batchctl emulator\` to use for emulated jobs instead of one inside the command |
| \`BATCHCTL_EMULATOR_FAULTS\` | faults of the one inside the command, comma-separated: \`lost-reply,list-lag=5\` |
| \`BATCHCTL_EMULATOR_BATCH_SECONDS\` | how long its batches take |

A real key is never sent to the emulator. A job stays with the API it was submitted to: commands on an emulated job start
the emulator by themselves, and never ask the real API about it.
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(CLI_DOCS, await renderCliDocs());
