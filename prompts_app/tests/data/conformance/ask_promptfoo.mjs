// Runs rows against the real promptfoo. Rows come as JSON on standard input; the last line of
// what is written is their verdicts. node ask_promptfoo.mjs FOLDER_WITH_node_modules   (see CONTRIBUTING)
import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];
const modules = pathToFileURL(`${folder}/node_modules/`).href;
const require = createRequire(modules);
// For meteor, promptfoo 0.123.1 looks for the names of the package natural 8 where Node does not show them.
const natural = `import { createRequire } from 'node:module';
const found = createRequire('${modules}')('natural');
export const { PorterStemmer, WordNet } = found;`;
registerHooks({
  resolve: (name, context, next) =>
    name === 'natural' && context.conditions.includes('import')
      ? { url: `data:text/javascript,${encodeURIComponent(natural)}`, format: 'module', shortCircuit: true }
      : next(name, context),
});
const { default: promptfoo } = await import(pathToFileURL(require.resolve('promptfoo')).href.replace(/\.cjs$/, '.js'));
const { runAssertion, runAssertions } = promptfoo.assertions;
process.env.OPENAI_API_KEY ??= 'none'; // nothing is ever asked of it

async function providerOf(row) {
  const config = { tools: row.call?.tools, functions: row.call?.functions };
  return promptfoo.loadApiProvider('openai:chat:gpt-4o', { options: { config } });
}

// A judge that says what the row says it says, and has the embeddings the row gives.
function judgeOf(row) {
  const answers = [...(row.judge ?? [])];
  return {
    id: () => 'judge',
    callApi: async () => (answers.length ? { output: answers.shift() } : { error: 'nothing left to say' }),
    callEmbeddingApi: async (text) =>
      row.vectors?.[text] ? { embedding: row.vectors[text] } : { error: `no vector for ${text}` },
  };
}

// A trace whose spans are the row's calls of tools, one after the other.
function traceOf(row) {
  const spans = row.calls.map(({ name, arguments: given }, place) => ({
    spanId: `s${place}`, name, startTime: place * 2, endTime: place * 2 + 1,
    attributes: { 'gen_ai.tool.name': name, 'gen_ai.tool.call.arguments': given },
  }));
  return { traceId: 't', traceData: { traceId: 't', evaluationId: 'e', testCaseId: 'c', spans } };
}

async function verdict(row, ask) {
  const vars = row.vars ?? {};
  const options = row.judge || row.vectors ? { provider: judgeOf(row) } : {};
  const providerResponse = {
    output: row.output,
    cost: row.call?.cost ?? undefined,
    finishReason: row.call?.finish_reason,
  };
  const about = {
    prompt: row.prompt ?? 'Hello',
    provider: await providerOf(row),
    providerResponse,
    latencyMs: row.call?.latency_ms ?? undefined,
    vars,
    ...(row.calls ? traceOf(row) : {}),
  };
  try {
    const found = await ask({ ...about, test: { vars, options } });
    return { pass: found.pass, score: Number(found.score.toFixed(9)) };
  } catch (error) {
    return { error: String(error?.message ?? error).split('\n')[0].slice(0, 160) };
  }
}

async function verdicts(row) {
  if (row.assert) {
    const whole = { assert: row.assert, threshold: row.threshold };
    return [await verdict(row, (about) => runAssertions({ ...about, test: { ...about.test, ...whole } }))];
  }
  const forms = [row.assertion, { ...row.assertion, type: `not-${row.assertion.type}` }];
  const found = [];
  for (const assertion of forms) {
    found.push(await verdict(row, (about) => runAssertion({ ...about, assertion: structuredClone(assertion) })));
  }
  return found;
}

let rows = '';
for await (const chunk of process.stdin.setEncoding('utf8')) rows += chunk;
const found = [];
for (const row of JSON.parse(rows)) found.push(await verdicts(row));
const { version } = JSON.parse(readFileSync(`${folder}/node_modules/promptfoo/package.json`, 'utf8'));
const told = JSON.stringify({ promptfoo: version, node: process.version, verdicts: found });
process.stdout.write(`\n${told}\n`, () => process.exit(0)); // others write there, too: the last line is ours
