import { resolve } from 'node:path'
import {
  type Algorithm,
  GuestpassError,
  type Jwk,
  type Store,
  type Verdict,
  verification,
  type VerificationOptions,
} from '@guestpass/core'
import { abortable, ALGORITHMS, keyPlaces, oauthServer, verdictText, withCalls } from '@guestpass/core/runtime-kit'
import { nodePorts, NotText } from '@guestpass/core/node'
import * as z from 'zod'
import {
  algorithmOf,
  commandFor,
  type Config,
  hasStore,
  isPlainHttp,
  jsonFault,
  pinnedClaims,
  fileReadFault,
  readTextFile,
  withRuntime,
} from '@guestpass/runtime'
import { type Cli, defineCommand } from './runner/command.ts'
import { splitScopes } from '../split-scopes.ts'
import { readTokenArgument } from '../token-argument.ts'

/** What a token must have. An empty text is a variable of the shell that is not set. */
const expected = z.string().refine((text) => text.trim() !== '', 'is empty')
/** Without scopes in it every token would do. */
const expectedScopes = z.string().refine((text) => splitScopes([text]).length > 0, 'is empty')

export const verifyCommand = defineCommand({
  example: 'guestpass verify - --scope webmessaging:guest:send < token.txt',
  options: [
    ['--jwks <url|file>', 'key-set to use in place of the configured one'],
    ['--public-key <file>', 'PEM file of the keys to use: public keys, certificates'],
    ['--algorithm <name...>', `algorithms to accept: ${ALGORITHMS.join(', ')}`],
    ['--scope <scope...>', 'scopes that the token must have'],
    ['--subject <text>', 'the sub claim that the token must have'],
    ['--issuer <text>', 'the iss claim that the token must have'],
    ['--audience <text>', 'a value that the aud claim must have'],
    ['--type <text>', 'the typ header that the token must have, as at+jwt (application/ may be left out)'],
  ],
  input: z.object({
    token: z.string(),
    jwks: z.string().optional(),
    publicKey: z.string().optional(),
    algorithm: z.array(z.string().transform(knownAlgorithm)).min(1).optional(),
    scope: z.array(expectedScopes).optional(),
    subject: expected.optional(),
    issuer: expected.optional(),
    audience: expected.optional(),
    type: expected.optional(),
  }),
  async run({ token, jwks, publicKey, algorithm, scope, subject, issuer, audience, type }, cli) {
    const own = await keysOf({ jwks, publicKey }, cli)
    const config = await cli.config(own ? [] : ['hosts'])
    const text = await readTokenArgument(token, '<token>', cli)
    const options: Omit<VerificationOptions, 'keys'> = {
      name: config.connection,
      ...pinnedClaims(config.settings),
      ...(algorithm ? { algorithms: algorithm } : {}),
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    }
    const expectations = {
      ...(subject === undefined ? {} : { subject }),
      ...(scope ? { scopes: splitScopes(scope) } : {}),
      ...(type === undefined ? {} : { type }),
    }
    const verdict = await withKnowledge(config, cli, own !== undefined, async (store) => {
      const { close, ...systemPorts } = nodePorts({ proxy: cli.hostProcess.env })
      try {
        const ports = store ? { ...systemPorts, store } : systemPorts
        const keys = own ?? configuredKeys(config, ports)
        const { guestTokens } = await verification({ ...options, keys }, ports)
        return await abortable(() => guestTokens.verify(text, expectations), cli.signal).catch(
          own ? asFlag(jwks ? '--jwks' : '--public-key') : undefined,
        )
      } finally {
        // An interrupted command does not wait for requests under way.
        if (!cli.signal.aborted) await close()
      }
    })
    cli.answer(verdict, () => verdictLines(verdict, config.connection))
    return verdict.valid ? 0 : 4
  },
})

/** A fault of the keys under the flag that named them. */
const asFlag =
  (flag: string) =>
  (thrown: unknown): never => {
    if (!(thrown instanceof GuestpassError) || thrown.code !== 'config_invalid') throw thrown
    const fields = (thrown.fields ?? []).map((fault) => ({ ...fault, field: flag }))
    throw new GuestpassError('invalid_input', thrown.message, { fields })
  }

/**
 * Gives the work what the store knows (revocations, mirrored keys), if there is a store; none is made for a
 * look.
 */
async function withKnowledge<T>(
  config: Config,
  cli: Cli,
  ownKeys: boolean,
  work: (store?: Store) => Promise<T>,
): Promise<T> {
  if (!hasStore(config, cli.hostProcess.cwd)) return work()
  return withRuntime(config, cli.runtimeHost, ({ store }) => work(ownKeys ? onlyRevocations(store) : store))
}

/** With keys of the caller's own, the clock and the keys of the connection say nothing. */
const onlyRevocations = (store: Store): Store =>
  withCalls(store, { fact: async () => undefined, setFact: async () => {} })

type Keys = VerificationOptions['keys']

/** The keys named on the command line; undefined when none are. */
async function keysOf(
  { jwks, publicKey }: { jwks?: string | undefined; publicKey?: string | undefined },
  cli: Cli,
): Promise<Keys | undefined> {
  if (jwks !== undefined && publicKey !== undefined)
    throw flagError('--public-key', 'cannot be combined with --jwks', 'Give one of the two.')
  if (publicKey !== undefined) return { pem: await textOf('--public-key', publicKey, cli) }
  if (jwks === undefined) return undefined
  if (/^https?:\/\//i.test(jwks)) return { url: safeUrl(jwks) }
  return { jwks: keySetOf(await textOf('--jwks', jwks, cli)) }
}

const configuredKeys = ({ connection, settings, hosts }: Config, ports: Parameters<typeof oauthServer>[2]): Keys =>
  hosts
    ? keyPlaces(settings.publicKey, hosts, oauthServer(connection, hosts, ports).keySet).keys
    : { pem: settings.publicKey ?? '' }

/** An algorithm as it is written on the command line. */
function knownAlgorithm(written: string, context: z.RefinementCtx): Algorithm {
  const known = algorithmOf(written)
  if (known) return known
  context.addIssue({ code: 'custom', message: 'is not an algorithm that is accepted' })
  return z.NEVER
}

function safeUrl(text: string): string {
  if (URL.canParse(text) && !isPlainHttp(text)) return text
  throw flagError(
    '--jwks',
    'is plain http, so that anybody on the way could change the keys',
    'Give an https:// address, or one on loopback.',
  )
}

async function textOf(flag: string, file: string, cli: Cli): Promise<string> {
  return readTextFile(resolve(cli.hostProcess.cwd, file)).catch((thrown: unknown) => {
    const { message, remedy } = fileReadFault(thrown)
    const isBinaryKey = thrown instanceof NotText && flag === '--public-key'
    const asPem = `Give it as PEM; of a DER file: openssl pkey -pubin -inform DER -in ${file} -out key.pem`
    throw flagError(flag, `${file} ${message}`, isBinaryKey ? asPem : remedy)
  })
}

function keySetOf(json: string): { readonly keys: readonly Jwk[] } {
  const fault = jsonFault(json)
  const parsed = fault ? undefined : keySet.safeParse(JSON.parse(json))
  if (parsed?.success) return parsed.data
  const what = fault ? `is not JSON: line ${fault.line}, column ${fault.column}` : 'is not a key-set'
  throw flagError('--jwks', what, 'Give a JSON file of the form {"keys": [{"kty": …}]} (RFC 7517).')
}

/**
 * What its entries are is judged one by one: those that are not understood are ignored (RFC 7517, section 5).
 */
const keySet = z.object({ keys: z.array(z.unknown()) }) as z.ZodType<{ keys: readonly Jwk[] }>

const flagError = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field} ${message}.`, { fields: [{ field, message, remedy }] })

const verdictLines = (verdict: Verdict, connection: string): readonly string[] =>
  verdict.valid
    ? ['valid', ...Object.entries(verdict.claims).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`)]
    : [`not valid: ${verdictText(verdict)}`, ...remedyFor(verdict.reason, connection).map((line) => `  ${line}`)]

type Refusal = Extract<Verdict, { readonly valid: false }>['reason']

/** What a user can do about a token that is not valid. */
function remedyFor(reason: Refusal, connection: string): readonly string[] {
  const command = (words: string): string => commandFor(connection, words)
  const inFull = `Give the token in full, as from \`${command('guest token GUEST_ID --raw')} | ${command('verify -')}\`.`
  const otherKeys = 'Check that the keys are those of the issuer: --jwks, --public-key, or --connection.'
  const remedies: Readonly<Partial<Record<Refusal, string>>> = {
    expired: `Get a valid token of the guest with \`${command('guest token GUEST_ID')}\`.`,
    malformed: inFull,
    scope: `Issue the guest again with \`${command('guest issue')}\` and each --scope that it needs.`,
    signature: otherKeys,
    unknown_key: otherKeys,
  }
  return remedies[reason] === undefined ? [] : [remedies[reason]]
}
