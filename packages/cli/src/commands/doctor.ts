import type { Connection, ErrorCode } from '@guestpass/core'
import { errorCatalogue, lackedScopes, iso, leftOutText } from '@guestpass/core/runtime-kit'
import { asGuestpassError, SECOND } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { connect, databasePath, type ReachableConfig, type Runtime, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { freeBytes, LOW_DISK_SPACE, mebibytes } from '../disk-space.ts'
import { withRemedy } from './runner/remedies.ts'
import type { Cli } from './runner/command.ts'
import { defineCommand } from './runner/command.ts'

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly code?: ErrorCode
}

const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message })
const warning = (check: string, message: string): Finding => ({ check, state: 'warning', message })

export const doctorCommand = defineCommand({
  example: 'guestpass doctor',
  input: z.object({}),
  async run(_input, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    const findings = [...resolved(config), ...unpinned(config), ...(await looked(config, cli))]
    const failed = findings.find(({ state }) => state === 'failed')
    const problems = findings.filter(({ state }) => state === 'failed').length
    cli.answer({ healthy: failed === undefined, findings }, () => [
      ...findings.map(({ check, state, message }) => `${state.padEnd(7)}  ${check}: ${message}`),
      problems === 0 ? 'No problems found.' : `${problems} ${problems === 1 ? 'problem' : 'problems'} found.`,
    ])
    return failed?.code === undefined ? 0 : errorCatalogue[failed.code].exit
  },
})

function resolved({ hosts, settings, origins }: ReachableConfig): readonly Finding[] {
  const from = (place: keyof typeof origins): string => `${origins[place]?.name}, ${origins[place]?.origin}`
  return [
    ok('OAuth server', `${tokenEndpoint(hosts)} (${from(hosts.from.oauth)})`),
    hosts.api === undefined || hosts.from.api === undefined
      ? warning('API', 'no address is set: the guest APIs cannot be called; set GENESYS_API_BASE_URL')
      : ok('API', `${hosts.api} (${from(hosts.from.api)})`),
    ...(hosts.platformApi && !settings.gateway
      ? [
          warning(
            'API',
            'a public Genesys Cloud host offers no guest-tokens API: address your gateway with GENESYS_API_BASE_URL, or set GENESYS_GATEWAY=true if this host does',
          ),
        ]
      : []),
  ]
}

/** The token endpoint, as far as it is known without asking. */
const tokenEndpoint = ({ issuer, own, endpoints }: ReachableConfig['hosts']): string =>
  issuer === undefined || own.includes('clientToken') ? endpoints.clientToken : issuer

const unpinned = ({ settings }: ReachableConfig): readonly Finding[] => {
  const open = (['tokenIssuer', 'tokenAudience', 'tokenOrganization'] as const).filter(
    (pin) => settings[pin] === undefined,
  )
  const names = {
    tokenIssuer: 'GENESYS_TOKEN_ISSUER',
    tokenAudience: 'GENESYS_TOKEN_AUDIENCE',
    tokenOrganization: 'GENESYS_TOKEN_ORGANIZATION',
  }
  return open.length === 0
    ? [ok('pins', 'issuer, audience and organisation of guest tokens are pinned')]
    : [
        warning(
          'pins',
          `guest tokens of any ${open.map((pin) => pin.slice('token'.length).toLowerCase()).join(', ')} are taken; pin with ${open.map((pin) => names[pin]).join(', ')}`,
        ),
      ]
}

/** Looks at everything that has to be tried; each look fails by itself. */
async function looked(config: ReachableConfig, cli: Cli): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const look = async (check: string, work: () => Promise<Finding>): Promise<void> => {
    findings.push(
      await work().catch((thrown: unknown): Finding => {
        const { code, message } = withRemedy(asGuestpassError(thrown), config.connection)
        return { check, state: 'failed', message, code }
      }),
    )
  }
  const path = databasePath(config, cli.hostProcess.cwd)
  await look('store', () =>
    withRuntime(config, cli.runtimeHost, async (runtime) => {
      const connection = await connect(config, withoutKeys(runtime))
      await look('disk', () => diskWritten(runtime, path))
      await look('erasure', () => erasureWhole(runtime))
      await look('keys', () => keysFound('keys', connection.keys))
      if (connection.accessKeys !== connection.keys)
        await look('keys of access tokens', () => keysFound('keys of access tokens', connection.accessKeys))
      await look('OAuth client', () => clientAccepted(connection, config.settings.scopes ?? [], cli))
      await look('webhooks', () => webhooksWell(runtime))
      return ok('store', `${path} can be opened and read`)
    }),
  )
  return findings
}

/** The same runtime, whose store remembers no key-set and no discovery document: they are asked for now. */
function withoutKeys(runtime: Runtime): Runtime {
  const { store } = runtime.ports
  const fact: typeof store.fact = async (connection, name) =>
    /^(keys|discovery):/.test(name) ? undefined : store.fact(connection, name)
  return { ...runtime, ports: { ...runtime.ports, store: { ...store, fact } } }
}

/** The disk of the store takes a write now, and has room for more. */
async function diskWritten({ ports: { random } }: Runtime, path: string): Promise<Finding> {
  const { tryWrite } = await import('@guestpass/store/sqlite')
  await tryWrite(path, random)
  const free = await freeBytes(path)
  if (free !== undefined && free < LOW_DISK_SPACE)
    return warning('disk', `${mebibytes(free)} are left on the disk of ${path}: make room before it is full`)
  return ok('disk', `${path} can be written${free === undefined ? '' : `, ${mebibytes(free)} are left`}`)
}

/** Nothing of an erased guest is left in the files of the store. */
async function erasureWhole({ store }: Runtime): Promise<Finding> {
  const since = await store.tracesSince?.()
  return since === undefined
    ? ok('erasure', 'nothing of erased guests or retired keys is left in the files of the store')
    : warning(
        'erasure',
        `traces of what was erased since ${iso(since)} are left in the log of the store: end what reads the database for long, as a backup or an open sqlite3, and run any command`,
      )
}

async function webhooksWell({ webhooks }: Runtime): Promise<Finding> {
  const all = await webhooks.endpoints.all()
  const ill: string[] = []
  for (const { id, disabled } of all) {
    const { deadLetters } = await webhooks.counts(id)
    if (disabled) ill.push(`${id} is disabled (${disabled.why}): see \`guestpass webhooks enable\``)
    else if (deadLetters > 0)
      ill.push(`${id} did not take ${deadLetters} events: see \`guestpass webhooks dead ${id}\``)
  }
  return ill.length > 0
    ? warning('webhooks', ill.join('; '))
    : ok('webhooks', `${all.length} endpoints, nothing given up`)
}

async function keysFound(check: string, keys: Connection['keys']): Promise<Finding> {
  const { keys: found, leftOut = [] } = await keys.keys()
  const named = found.map(
    ({ algorithm, other, kid }) => `${algorithm}${other ? ` and ${other.algorithm}` : ''} ${kid ?? 'without kid'}`,
  )
  const ignored = leftOut.length === 0 ? '' : `; not used: ${leftOutText(leftOut)}`
  return ok(check, `${found.length} usable, ${named.join(', ')}${ignored}`)
}

async function clientAccepted(
  { accessTokens, grant, issuerOffset }: Connection,
  wanted: readonly string[],
  cli: Cli,
): Promise<Finding> {
  const { scopes } = await accessTokens.token(callContext(cli, {}, 'doctor'))
  const offset = Math.round(issuerOffset() / SECOND)
  const by = (await grant.exists()) ? 'by the sign-in of a user (refresh token)' : 'by client credentials'
  const granted = `${by}, ${scopes.length === 0 ? 'scopes unknown' : `scopes ${scopes.join(' ')}`}`
  const missing = scopes.length === 0 ? [] : lackedScopes(wanted, scopes)
  if (missing.length > 0)
    return warning('OAuth client', `accepted, ${granted}; of GENESYS_SCOPES, ${missing.join(' ')} was not granted`)
  return offset === 0
    ? ok('OAuth client', `accepted, ${granted}; clocks agree`)
    : warning(
        'OAuth client',
        `accepted, ${granted}; the issuer's clock is ${Math.abs(offset)} s ${offset > 0 ? 'ahead of' : 'behind'} this machine's: set this one right`,
      )
}
