// The same with the AI SDK: node ai-results.ts URL BATCH
import { createAnthropic } from '@ai-sdk/anthropic';
import { experimental_getBatchResults as getBatchResults } from 'ai';

const [url = '', id = ''] = process.argv.slice(2);
const provider = createAnthropic({ baseURL: `${url}/v1`, apiKey: 'sk-emu-bench' });
let rows = 0;
const batch = { version: 2, id, provider: 'anthropic.batch' } as const;
for await (const _result of getBatchResults({ provider, batch })) rows += 1;
process.stdout.write(`${rows}\n`);
