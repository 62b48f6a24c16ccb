// The same with the AI SDK: node ai-submit.ts URL LINES
import { readFileSync } from 'node:fs';
import { createAnthropic } from '@ai-sdk/anthropic';
import { experimental_startBatch as startBatch } from 'ai';

const [url = '', lines = ''] = process.argv.slice(2);
const provider = createAnthropic({ baseURL: `${url}/v1`, apiKey: 'sk-emu-bench' });
const requests = readFileSync(lines, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const { custom_id: id, params } = JSON.parse(line);
    return {
      id,
      type: 'text' as const,
      model: params.model,
      maxOutputTokens: params.max_tokens,
      prompt: params.messages[0].content,
    };
  });
const batch = await startBatch({ provider, requests });
process.stdout.write(`${batch.id}\n`);
