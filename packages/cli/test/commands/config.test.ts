import { describe, expect, it } from 'vitest'
import { runInFolder } from '../run-in-process.ts'
import { temporaryFolder, spawnCli } from '../spawn-cli.ts'

interface Document {
  readonly connection: string
  readonly connections: readonly string[]
  readonly settings: Readonly<
    Record<string, { readonly value: unknown; readonly origin: string; readonly as?: string }>
  >
  readonly hosts?: { readonly api: string; readonly from: { readonly api: string } }
}

describe('guestpass config', () => {
  const files = {
    '.env': 'GENESYS_CLIENT_ID=from-dotenv\nGENESYS_CLIENT_SECRET=hunter2-hunter2-abcd\nGENESYS_RATE_LIMIT=9',
    'guestpass.config.json':
      '{"region": "eu-west-1", "rateLimit": 8, "connections": {"acme": {"region": "us_west_2"}}}',
  }

  it('shows every value with its origin, secrets masked, and where upstream is', async () => {
    const { code, out, err } = await runInFolder(['config', '--json', '--token-issuer', 'me'], {
      files,
      env: { GENESYS_CLIENT_ID: 'from-env' },
    })
    const { settings, ...rest } = JSON.parse(out) as Document
    expect(settings.GENESYS_CLIENT_ID).toEqual({ value: 'from-env', origin: 'environment' })
    expect(settings.GENESYS_RATE_LIMIT).toEqual({ value: 8, origin: 'guestpass.config.json', as: 'rateLimit' })
    expect(settings.GENESYS_CLIENT_SECRET).toEqual({ value: 'gp_…abcd', origin: '.env' })
    expect(settings.GENESYS_TOKEN_ISSUER).toEqual({ value: 'me', origin: 'flag', as: '--token-issuer' })
    expect(settings.GENESYS_CLIENT_AUTH).toEqual({ value: 'auto', origin: 'default' })
    expect(rest).toMatchObject({
      connections: ['default', 'acme'],
      hosts: { api: 'https://api.mypurecloud.ie', from: { api: 'region' } },
    })
    expect([code, err]).toEqual([0, ''])
  })

  it('says the same to people', async () => {
    const { code, out } = await runInFolder(['config'], { files })
    expect(out).toMatch(/GENESYS_CLIENT_SECRET +gp_…abcd {2}\(\.env\)/)
    expect(out).toMatch(/OAuth server +https:\/\/login\.mypurecloud\.ie {2}\(from region, public platform\)/)
    expect(out).not.toContain('hunter2')
    expect(code).toBe(0)
  })

  it('masks free parameters that may hold a key or an address', async () => {
    const { out } = await runInFolder(['config', '--json'], {
      files,
      env: {
        GENESYS_AUTHORIZE_PARAMS: 'prompt=consent&login_hint=ann@example.com',
        GENESYS_TOKEN_PARAMS: 'api_key=k1',
      },
    })
    const { settings } = JSON.parse(out) as Document
    expect(settings.GENESYS_AUTHORIZE_PARAMS?.value).toEqual({ prompt: ['consent'], login_hint: '…' })
    expect(settings.GENESYS_TOKEN_PARAMS?.value).toEqual({ api_key: '…' })
  })

  it('keeps connections apart', async () => {
    const { out } = await runInFolder(['config', '--json', '--connection', 'acme'], { files })
    const { connection, hosts, settings } = JSON.parse(out) as Document
    expect([connection, hosts?.api, settings.GENESYS_CLIENT_ID]).toEqual([
      'acme',
      'https://api.usw2.pure.cloud',
      undefined,
    ])
  })

  it('exits 2 with all mistakes, as one problem document with --json', async () => {
    const env = { GENESYS_ENV: 'prod', GENESYS_CLIENT_AUTH: 'digest', GUESTPASS_ENCRYPTION_KEY: 'hunter2' }
    const { code, out, err } = await runInFolder(['config', '--json'], { env })
    const problem = JSON.parse(out) as { code: string; fields: { field: string }[] }
    expect([code, err, problem.code]).toEqual([2, '', 'config_invalid'])
    expect(problem.fields.map(({ field }) => field).sort()).toEqual(Object.keys(env).sort())
    const { code: exit, out: nothing, err: block } = await runInFolder(['config'], { env })
    expect([exit, nothing]).toEqual([2, ''])
    for (const name of Object.keys(env)) expect(block).toContain(`  ${name}: `)
    expect(block + out).not.toContain('hunter2')
    expect(block).not.toContain('    at ')
  })

  it('reads a configuration in TypeScript', async () => {
    const module = "const region: string = 'mypurecloud.jp'\nexport default { region }\n"
    const { out } = await runInFolder(['config', '--json'], {
      files: { 'guestpass.config.ts': module, 'package.json': '{"type":"module"}' },
    })
    expect((JSON.parse(out) as Document).hosts?.api).toBe('https://api.mypurecloud.jp')
  })

  it('prints the page of all settings', async () => {
    expect((await runInFolder(['config', '--markdown'])).out).toMatch(
      /^# Configure Guestpass\n[^]*GUESTPASS_AUDIT_FILE/,
    )
  })

  it('ends quietly when its reader goes away', async () => {
    const { cwd, remove } = temporaryFolder()
    const { child, ended } = spawnCli(['config', '--markdown'], cwd)
    child.stdout?.destroy()
    const { code, err } = await ended
    remove()
    expect([code, err]).toEqual([0, ''])
  })
})

describe('guestpass', () => {
  it('exits 2 on an unknown command and suggests one', async () => {
    const { code, out, err } = await runInFolder(['sandbx'])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('Did you mean sandbox?')
  })

  it('prints help and its version', async () => {
    expect(await runInFolder(['--help'])).toMatchObject({ code: 0, err: '' })
    expect((await runInFolder(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
