// What a user would write on the SDK to read the results of a batch, keeping nothing: node sdk-results.ts URL BATCH
import Anthropic from '@anthropic-ai/sdk';

const [baseURL = '', id = ''] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey: 'sk-emu-bench' });
let rows = 0;
for await (const _result of await client.messages.batches.results(id)) rows += 1;
process.stdout.write(`${rows}\n`);
