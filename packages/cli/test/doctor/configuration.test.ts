import { readConfig } from '@guestpass/runtime'
import { expect, it } from 'vitest'
import { configurationFindings } from '../../src/doctor/configuration.ts'

const OLD_SECRET = 'test-secret-of-an-old-sandbox'
const NEW_SECRET = 'test-secret-of-a-new-sandbox'

/** The finding about the sources of a configuration. */
async function found(
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
  flags: Readonly<Record<string, string>> = {},
) {
  const config = await readConfig({
    env,
    cwd: '/app',
    flags,
    needs: ['hosts', 'clientId'],
    files: { read: async (path) => files[path.replace('/app/', '')], load: async () => ({}) },
  })
  return configurationFindings(config).find(({ check }) => check === 'configuration')
}

const dotenv = `GENESYS_BASE_URL=http://127.0.0.1:4001\nGENESYS_CLIENT_ID=b\nGENESYS_CLIENT_SECRET=${NEW_SECRET}\n`

it('sources that agree are no finding', async () => {
  const same = { GENESYS_BASE_URL: 'http://127.0.0.1:4001', GENESYS_CLIENT_ID: ' b ' }
  expect(await found(same, { '.env': dotenv })).toEqual({
    check: 'configuration',
    state: 'ok',
    message: 'no two sources contradict each other',
  })
})

it('an environment that differs from .env is a warning, which says what counts and shows no value', async () => {
  const old = { GENESYS_CLIENT_ID: 'a', GENESYS_CLIENT_SECRET: OLD_SECRET }
  const finding = await found(old, { '.env': dotenv })
  expect(finding).toEqual({
    check: 'configuration',
    state: 'warning',
    message: '2 values differ from those of a source that comes first',
    remedy:
      'Remove one of the two values. To use those of the files, `unset GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET`, or use a new terminal.',
    details: [
      'GENESYS_CLIENT_ID: the value in the environment counts, and not the one in .env',
      'GENESYS_CLIENT_SECRET: the value in the environment counts, and not the one in .env',
    ],
  })
  expect(JSON.stringify(finding)).not.toMatch(/test-secret/)
})

it('a configuration file that differs from .env is a warning, and a flag that differs from both is none', async () => {
  const files = { 'guestpass.config.json': '{"clientId": "c", "baseUrl": "http://127.0.0.1:4001"}', '.env': dotenv }
  expect(await found({}, files)).toMatchObject({
    message: '1 value differs from that of a source that comes first',
    remedy: 'Remove one of the two values.',
    details: ['clientId in guestpass.config.json counts, and not GENESYS_CLIENT_ID in .env'],
  })
  expect(await found({ GENESYS_CLIENT_ID: 'a' }, { '.env': dotenv }, { clientId: 'x' })).toMatchObject({ state: 'ok' })
})

it('open pins name the values of tokens that verify, where all have the same', async () => {
  const config = await readConfig({
    env: { GENESYS_BASE_URL: 'https://gateway.example.com', GENESYS_CLIENT_ID: 'a' },
    cwd: '/app',
    needs: ['hosts', 'clientId'],
    files: { read: async () => undefined, load: async () => ({}) },
  })
  const detailsOf = (...seen: readonly Readonly<Record<string, unknown>>[]) =>
    configurationFindings(config, seen).find(({ check }) => check === 'pins')?.details
  const first = { iss: 'https://issuer.example.com', aud: ['site'] }
  const said = 'stored tokens that verify have issuer https://issuer.example.com'
  expect(detailsOf(first, { ...first, aud: 'site' })).toEqual([`${said}, audience site`])
  expect(detailsOf(first, { ...first, aud: 'another' })).toEqual([said])
  expect(detailsOf()).toBeUndefined()
})

it('open pins are a warning, and nothing is said of them for an upstream on loopback', async () => {
  const stateAt = async (GENESYS_BASE_URL: string) => {
    const config = await readConfig({
      env: { GENESYS_BASE_URL, GENESYS_CLIENT_ID: 'a' },
      cwd: '/app',
      needs: ['hosts', 'clientId'],
      files: { read: async () => undefined, load: async () => ({}) },
    })
    return configurationFindings(config).find(({ check }) => check === 'pins')?.state
  }
  expect([await stateAt('https://gateway.example.com'), await stateAt('http://127.0.0.1:4001')]).toEqual([
    'warning',
    undefined,
  ])
})
