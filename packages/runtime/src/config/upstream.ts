import { type Field, GuestpassError, type Hosts, resolveHosts } from '@guestpass/core'
import { misspellingsOf, type Naming, type Need } from './checks.ts'
import { type Origin, originText, type UnknownName, type WrittenSetting } from './layers.ts'
import { type Key, settingName } from './settings.ts'

export const placeKeys = ['oauthBaseUrl', 'apiBaseUrl', 'baseUrl', 'region', 'env', 'issuer'] as const
const hostKeys = [
  ...placeKeys,
  'jwksUrl',
  'tokenPath',
  'userTokenPath',
  'authorizePath',
  'devicePath',
  'revocationPath',
] as const

/** What addresses depend on besides their own settings. */
interface HostSources {
  /** Hosts that may be reached over plain http. */
  readonly insecureHosts: readonly string[] | undefined
  /** Names that are no settings, and may be misspelt addresses. */
  readonly unknownNames: readonly UnknownName[]
}

/** The addresses of the upstream, if any is set or needed. Faults have the names that the user wrote. */
export function upstreamHosts(
  chosen: ReadonlyMap<Key, WrittenSetting>,
  needs: readonly Need[],
  { connection, inProgram }: Naming,
  { insecureHosts, unknownNames }: HostSources,
  faults: Field[],
): Hosts | undefined {
  if (!needs.includes('hosts') && !placeKeys.some((key) => chosen.has(key))) return undefined
  const input = Object.fromEntries(hostKeys.map((key) => [key, chosen.get(key)?.text]))
  const names = Object.fromEntries(
    hostKeys.map((key) => [key, chosen.get(key)?.name ?? settingName(key, connection, inProgram)]),
  )
  try {
    return resolveHosts({ ...input, insecureHosts }, names)
  } catch (thrown) {
    if (!(thrown instanceof GuestpassError) || !thrown.fields) throw thrown
    const reported = new Set(faults.map((fault) => fault.field))
    for (const fault of thrown.fields) {
      const origin = [...chosen.values()].find((one) => one.name === fault.field)?.origin
      if (!reported.has(fault.field))
        faults.push(
          origin ? { ...fault, message: `${fault.message} ${originText(origin)}` } : unsetAddress(fault, unknownNames),
        )
    }
    return undefined
  }
}

/** The fault that no address is set, with misspelt names that may be the cause, and with the sandbox. */
function unsetAddress(fault: Field, unknownNames: readonly UnknownName[]): Field {
  return { ...fault, remedy: [...misspellingsOf(placeKeys, unknownNames), fault.remedy, SANDBOX].join(' ') }
}

const SANDBOX = 'To try it without an organisation: guestpass sandbox --env .env'

const precedence: readonly Origin[] = [
  'option',
  'flag',
  'environment',
  'guestpass.config.json',
  'guestpass.config.ts',
  '.env',
  'default',
]

/**
 * Base URLs take precedence over a region, wherever they are set. These warnings are for a region that is not
 * used although its source comes first.
 */
export function overriddenAddressWarnings(
  chosen: ReadonlyMap<Key, WrittenSetting>,
  hosts: Hosts | undefined,
): string[] {
  const rank = (key: Key): number => precedence.indexOf(chosen.get(key)?.origin ?? 'default')
  return (hosts?.unused ?? []).flatMap((key) => {
    const stronger =
      hosts &&
      [hosts.from.oauth, hosts.from.api]
        .map((from) => from && chosen.get(from))
        .find((one) => one && rank(one.key) > rank(key))
    const own = chosen.get(key)
    return own && stronger
      ? [
          `${own.name} ${originText(own.origin)} is not used: ${stronger.name} ${originText(stronger.origin)} comes first; unset that one`,
        ]
      : []
  })
}
