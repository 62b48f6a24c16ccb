// What a user would write on the SDK to send a file of request lines: node sdk-submit.ts URL LINES
import { readFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';

const [baseURL = '', lines = ''] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey: 'sk-emu-bench' });
const requests = readFileSync(lines, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const batch = await client.messages.batches.create({ requests });
process.stdout.write(`${batch.id}\n`);
