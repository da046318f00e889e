/**
 * One life of an agent that publishes one set and ends, for tests that need it as another user:
 * `writer.ts OUTPUT VALUE [FILE_MODE_OCTAL] [UMASK_OCTAL]`. Prints what it wrote, or the error's code and message.
 */
import { AgentError } from '../../src/base/errors.ts';
import { externalSecret, payload, signal, sinkIn } from './sets.ts';

const [output = '', value = '', fileMode = '', umask = ''] = process.argv.slice(2);
if (umask !== '') process.umask(Number.parseInt(umask, 8));
const spec = externalSecret('db', fileMode === '' ? {} : { fileMode: Number.parseInt(fileMode, 8) });
try {
  const written = await sinkIn(output).sink.publish(spec, payload({ user: 'app', password: value }), signal);
  process.stdout.write(`${JSON.stringify(written)}\n`);
} catch (error) {
  if (!(error instanceof AgentError)) throw error;
  process.stdout.write(
    `${JSON.stringify({ code: error.code, message: error.message, remedy: error.remedy })}\n`,
  );
}
