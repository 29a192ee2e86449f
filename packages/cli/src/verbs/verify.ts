import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  abortable,
  GuestpassError,
  type Jwk,
  type Store,
  type Verdict,
  verification,
  type VerificationOptions,
} from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import * as z from 'zod'
import type { Config } from '../config/config.ts'
import { jsonFault } from '../config/json-fault.ts'
import { inClear } from '../config/kinds.ts'
import { type Cli, verb } from '../frame/verb.ts'
import { readFault, textFile } from '../text-file.ts'
import { atWork, databasePath, pins } from '../workplace.ts'

const algorithms = ['RS256', 'ES256'] as const

export const verify = verb({
  name: 'verify',
  summary: 'Check a guest token: signature, time, claims, revocation; exit code 4 when it is not valid',
  example: 'guestpass verify - --scope webmessaging:guest:send < token.txt',
  arguments: [['<token>', 'the token, or - to read it from standard input']],
  options: [
    ['--jwks <url|file>', 'key-set to check with, in place of the configured one'],
    ['--public-key <file>', 'PEM file of the key to check with'],
    ['--algorithm <name...>', `algorithms to accept: ${algorithms.join(', ')}`],
    ['--scope <scope...>', 'scopes that the token must have'],
    ['--subject <text>', 'what the sub claim must be'],
    ['--issuer <text>', 'what the iss claim must be'],
    ['--audience <text>', 'what the aud claim must hold'],
  ],
  input: z.object({
    token: z.string(),
    jwks: z.string().optional(),
    publicKey: z.string().optional(),
    algorithm: z.array(z.enum(algorithms, 'is not an algorithm that is accepted')).min(1).optional(),
    scope: z.array(z.string()).optional(),
    subject: z.string().optional(),
    issuer: z.string().optional(),
    audience: z.string().optional(),
  }),
  async run({ token, jwks, publicKey, algorithm, scope, subject, issuer, audience }, cli) {
    const own = await keysOf({ jwks, publicKey }, cli)
    const config = await cli.config(own ? [] : ['hosts'])
    const text = token === '-' ? await cli.input() : token
    const options: VerificationOptions = {
      name: config.connection,
      keys: own ?? configuredKeys(config),
      ...pins(config.settings),
      ...(algorithm ? { algorithms: algorithm } : {}),
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    }
    const expectations = { ...(subject === undefined ? {} : { subject }), ...(scope ? { scopes: scope } : {}) }
    const verdict = await withKnowledge(config, cli, own !== undefined, async (store) => {
      const { close, ...world } = nodePorts({ proxy: cli.world.env })
      try {
        const { guestTokens } = await verification(options, store ? { ...world, store } : world)
        return await abortable(() => guestTokens.verify(text, expectations), cli.signal).catch(
          own ? asFlag(jwks ? '--jwks' : '--public-key') : undefined,
        )
      } finally {
        // Whoever interrupts does not wait for requests under way.
        if (!cli.signal.aborted) await close()
      }
    })
    cli.answer(verdict, () => verdictLines(verdict))
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

/** Gives the work what the store knows (revocations, mirrored keys), if there is a store; none is made for a look. */
async function withKnowledge<T>(
  config: Config,
  cli: Cli,
  ownKeys: boolean,
  work: (store?: Store) => Promise<T>,
): Promise<T> {
  const exists = await access(databasePath(config, cli.world.cwd)).then(
    () => true,
    () => false,
  )
  if (!exists) return work()
  return atWork(config, cli, ({ store }) => work(ownKeys ? onlyRevocations(store) : store))
}

/** With keys of the caller's own, the clock and the keys of the connection say nothing. */
const onlyRevocations = (store: Store): Store => ({ ...store, fact: async () => undefined, setFact: async () => {} })

type Keys = VerificationOptions['keys']

/** The keys named on the command line; undefined when none are. */
async function keysOf(
  { jwks, publicKey }: { jwks?: string | undefined; publicKey?: string | undefined },
  cli: Cli,
): Promise<Keys | undefined> {
  if (jwks !== undefined && publicKey !== undefined)
    throw flagError('--public-key', 'stands beside --jwks', 'Give one of the two.')
  if (publicKey !== undefined) return { pem: await textOf('--public-key', publicKey, cli) }
  if (jwks === undefined) return undefined
  if (/^https?:\/\//i.test(jwks)) return { url: safeUrl(jwks) }
  return { jwks: keySetOf(await textOf('--jwks', jwks, cli)) }
}

const configuredKeys = ({ settings, hosts }: Config): Keys =>
  settings.publicKey === undefined ? { url: hosts?.jwksUrl ?? '' } : { pem: settings.publicKey }

function safeUrl(text: string): string {
  if (URL.canParse(text) && !inClear(text)) return text
  throw flagError(
    '--jwks',
    'is plain http, so that anybody on the way could change the keys',
    'Give an https:// address, or one on loopback.',
  )
}

async function textOf(flag: string, file: string, cli: Cli): Promise<string> {
  return textFile(resolve(cli.world.cwd, file)).catch((thrown: unknown) => {
    const { message, remedy } = readFault(thrown)
    throw flagError(flag, `${file} ${message}`, remedy)
  })
}

function keySetOf(text: string): { readonly keys: readonly Jwk[] } {
  const fault = jsonFault(text)
  const parsed = fault ? undefined : keySet.safeParse(JSON.parse(text))
  if (parsed?.success) return parsed.data
  const what = fault ? `is not JSON: line ${fault.line}, column ${fault.column}` : 'is not a key-set'
  throw flagError('--jwks', what, 'Give a JSON file of the form {"keys": [{"kty": …}]} (RFC 7517).')
}

const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }) as z.ZodType<{ keys: readonly Jwk[] }>

const flagError = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field} ${message}.`, { fields: [{ field, message, remedy }] })

const verdictLines = (verdict: Verdict): readonly string[] =>
  verdict.valid
    ? ['valid', ...Object.entries(verdict.claims).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`)]
    : [`not valid: ${verdict.reason}`]
