import { GuestpassError, type Problem, Secret } from '@guestpass/core'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { whole } from '@guestpass/runtime'
import { createCommandRunner } from '../../../src/commands/runner/runner.ts'
import type { Cli, LoadedCommand, CommandDefinition, CommandListing } from '../../../src/commands/runner/command.ts'
import { Interruption, type HostProcess } from '../../../src/commands/runner/host-process.ts'

interface Sight {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line in a fake process, and gives its output. */
async function running(
  commands: readonly LoadedCommand[],
  argv: readonly string[],
  world: Partial<HostProcess> = {},
): Promise<Sight> {
  const printed = { out: '', err: '' }
  const code = await createCommandRunner(
    commands.map((one) => ({ ...one, load: async () => one })),
    { guest: 'Guests' },
    {
      argv,
      env: {},
      cwd: '/nowhere',
      pid: 1,
      program: '',
      stdout: { write: (text) => (printed.out += text) },
      stderr: { write: (text) => (printed.err += text) },
      input: async () => Buffer.from('  from stdin\n'),
      signal: new AbortController().signal,
      version: '1.2.3',
      ...world,
    },
  ).run()
  return { code, ...printed }
}

/** A command, its input typed by its schema. */
const written = <Input extends z.ZodType>(command: CommandListing & CommandDefinition<Input>): LoadedCommand => command

/** A command that does what the test says. */
const doing = (act: (cli: Cli) => Promise<number | void>, more: Partial<LoadedCommand> = {}): LoadedCommand =>
  written({
    name: 'act',
    summary: 'Act',
    example: 'guestpass act',
    input: z.object({}),
    run: async (_, cli) => act(cli),
    ...more,
  })

const failing = (error: unknown): LoadedCommand =>
  doing(async () => {
    throw error
  })

const problem = (sight: Sight): Problem => JSON.parse(sight.out) as Problem

const show = written({
  name: 'guest show',
  summary: 'Show a guest',
  example: 'guestpass guest show 7',
  arguments: [['<guest-id>', "the guest's id"]],
  options: [
    ['--page-size <n>', 'a page size from 1 to 9'],
    ['--scope <scope...>', 'scopes'],
  ],
  input: z.object({ guestId: z.string(), pageSize: whole(1, 9).optional(), scope: z.array(z.string()).optional() }),
  run: async (input, cli) => cli.answer(input, () => [`Guest ${input.guestId}`, `Page ${input.pageSize}`]),
})

describe('a command', () => {
  it('gets arguments and options by name, checked by its schema', async () => {
    const sight = await running([show], ['guest', 'show', 'g-1', '--page-size', '4', '--scope', 'a', 'b', '--json'])
    expect(JSON.parse(sight.out)).toEqual({ guestId: 'g-1', pageSize: 4, scope: ['a', 'b'] })
    expect([sight.code, sight.err]).toEqual([0, ''])
  })

  it('answers with one document on one line, or with lines', async () => {
    expect((await running([show], ['--json', 'guest', 'show', 'g'])).out).toBe('{"guestId":"g"}\n')
    expect((await running([show], ['guest', 'show', 'g'])).out).toBe('Guest g\nPage undefined\n')
  })

  it('decides the exit code by what it returns', async () => {
    expect((await running([doing(async () => 4)], ['act'])).code).toBe(4)
    expect((await running([doing(async () => undefined)], ['act'])).code).toBe(0)
  })

  it('prints tokens masked, unless --reveal', async () => {
    const acting = doing(
      async (cli) => cli.answer({ token: cli.showToken(new Secret('abcdefghijklmnop')) }, () => []),
      {
        reveal: true,
      },
    )
    expect((await running([acting], ['act', '--json'])).out).toBe('{"token":"gp_…mnop"}\n')
    expect((await running([acting], ['act', '--json', '--reveal'])).out).toBe('{"token":"abcdefghijklmnop"}\n')
    expect((await running([show], ['guest', 'show', 'x', '--reveal'])).code).toBe(2)
  })

  it('reads its configuration with the flags, and prints each warning once on standard error', async () => {
    const acting = doing(async (cli) => {
      await cli.config()
      const { settings, hosts, connection } = await cli.config(['hosts'])
      cli.answer([connection, hosts.api, settings.databaseUrl.place, settings.gateway], () => [])
    })
    const argv = ['act', '--json', '--region', 'mypurecloud.ie', '--database', 'x.db', '--gateway']
    const sight = await running([acting], argv, { env: { GENESYS_REGIN: 'x' } })
    expect(JSON.parse(sight.out)).toEqual(['default', 'https://api.mypurecloud.ie', 'x.db', true])
    expect(sight.err.match(/warning/g)).toHaveLength(1)
  })

  it('keeps an option of its own that has the name of a setting', async () => {
    const own = doing(async () => undefined, {
      options: [['--rate-limit <n>', 'x']],
      input: z.object({ rateLimit: z.literal('7') }),
    })
    expect((await running([own], ['act', '--rate-limit', '7'])).code).toBe(0)
  })

  it('does not take --scopes, a setting, for its own --scope', async () => {
    expect((await running([show], ['guest', 'show', 'g', '--scopes', 'x'])).code).toBe(2)
    expect((await running([doing(async () => undefined)], ['act', '--scopes', 'x'])).code).toBe(0)
  })

  it('reads standard input, trimmed', async () => {
    const acting = doing(async (cli) => cli.answer(await cli.input(), () => []))
    expect((await running([acting], ['act', '--json'])).out).toBe('"from stdin"\n')
  })

  it('draws no progress where standard error is no terminal', async () => {
    const acting = doing(async (cli) => {
      const bar = await cli.progress('Guests', 10)
      bar.add()
      bar.stop()
    })
    expect(await running([acting], ['act'])).toEqual({ code: 0, out: '', err: '' })
  })
})

describe('a bar', () => {
  const drawing = doing(async (cli) => {
    const bar = await cli.progress('Guests', 10)
    bar.add(10)
    bar.stop()
  })
  const drawn = async (env: Readonly<Record<string, string>>): Promise<string> => {
    let text = ''
    await running([drawing], ['act'], { env, stderr: { isTTY: true, columns: 60, write: (more) => (text += more) } })
    return text
  }

  it('turns nothing off at a terminal that a kill would leave off: cursor, wrapping, colour', async () => {
    const text = await drawn({ TERM: 'xterm' })
    expect(text).toContain('10/10')
    const sequences = text.split('\u001B').slice(1)
    expect(sequences.filter((one) => /^\[(\?|\d+m)/.test(one))).toEqual([])
  })

  it('makes room for a note, and none once it has stopped', async () => {
    const noting = doing(async (cli) => {
      const bar = await cli.progress('Guests', 10)
      cli.note('a note')
      bar.stop()
      cli.note('the end')
    })
    let text = ''
    await running([noting], ['act'], { stderr: { isTTY: true, write: (more) => (text += more) } })
    expect(text).toContain('\r\u001B[Ka note\n')
    expect(text).toMatch(/the end\n$/)
    expect(text).not.toContain('\u001B[Kthe end')
  })

  it('is not drawn on a terminal that cannot move its cursor', async () => {
    expect(await drawn({ TERM: 'dumb' })).toBe('')
  })
})

describe('help', () => {
  it('shows the example, the flags of the command and those of all commands, and exits 0', async () => {
    const sight = await running([show], ['guest', 'show', '--help'])
    for (const text of [
      'Show a guest',
      'guestpass guest show 7',
      '--page-size',
      '--connection',
      '--database',
      '--json',
    ])
      expect(sight.out).toContain(text)
    expect([sight.code, sight.err]).toEqual([0, ''])
  })

  it('lists the commands', async () => {
    expect((await running([show], ['--help'])).out).toContain('guest')
    expect((await running([show], ['guest', '--help'])).out).toContain('show')
    expect((await running([show], ['--version'])).out).toBe('1.2.3\n')
  })
})

describe('a mistake in the command line', () => {
  it.each([
    ['an unknown command', ['gest']],
    ['no command', []],
    ['no command of a group', ['guest']],
    ['an unknown command of a group', ['guest', 'shwo']],
    ['an unknown option', ['guest', 'show', 'g', '--pagesize', '1']],
    ['a missing argument', ['guest', 'show']],
    ['too many arguments', ['guest', 'show', 'a', 'b']],
    ['an option without its value', ['guest', 'show', 'g', '--page-size']],
    ['a value out of bounds', ['guest', 'show', 'g', '--page-size', '10']],
  ])('is reported with its remedy, and exits 2: %s', async (_, argv) => {
    const sight = await running([show], argv)
    expect([sight.code, sight.out]).toEqual([2, ''])
    expect(sight.err).toMatch(/^guestpass: .+\[invalid_input\]\n {2}.+\n/)
    const asJson = await running([show], ['--json', ...argv])
    expect([asJson.code, asJson.err]).toEqual([2, ''])
    expect(problem(asJson)).toMatchObject({ code: 'invalid_input', status: 400 })
    expect(problem(asJson).fields?.[0]?.remedy).toBeTruthy()
  })

  it.each([
    ['--page-size', ['guest', 'show', 'g', '--page-size', 'J\uFFFDrgen']],
    ['--page-size', ['guest', 'show', 'g', '--page-size=J\uFFFDrgen']],
    ['arguments', ['guest', 'show', 'J\uFFFDrgen']],
  ])('is refused where it is not UTF-8: %s', async (field, argv) => {
    const { code, out } = await running([show], [...argv, '--json'])
    expect([code, JSON.parse(out)]).toMatchObject([2, { fields: [{ field, message: 'is not UTF-8' }] }])
  })

  it('suggests what was meant', async () => {
    expect((await running([show], ['gues'])).err).toContain('Did you mean guest?')
    expect((await running([show], ['guest', 'shwo'])).err).toContain('Did you mean show?')
    expect((await running([show], ['guest', 'show', 'g', '--page-siz', '1'])).err).toContain(
      'Did you mean --page-size?',
    )
    expect((await running([show], ['guest', 'show'])).err).toContain('guestpass guest show --help')
  })

  it('says that a switch takes no value, without repeating the value', async () => {
    const agreeing = doing(async () => undefined, { options: [['--consent', 'the person agreed']] })
    const { code, err } = await running([agreeing], ['act', '--consent=canary'])
    expect([code, err.includes('canary')]).toEqual([2, false])
    expect(err).toContain("Option '--consent' takes no value")
    expect(err).toContain('Write --consent alone.')
    const following = doing(async () => undefined, { options: [['-f, --follow', 'go on']] })
    expect((await running([following], ['act', '--follow=yes'])).err).toContain("Option '--follow' takes no value")
  })

  it('names all values that are not valid', async () => {
    const two = written({
      name: 'two',
      summary: 'Two',
      example: 'guestpass two',
      options: [
        ['--a <n>', 'a number from 1 to 2'],
        ['--b-c <n>', 'a number from 3 to 4'],
      ],
      input: z.object({ a: whole(1, 2), bC: whole(3, 4) }),
      run: async () => undefined,
    })
    expect(problem(await running([two], ['two', '--a', '3', '--b-c', 'x', '--json'])).fields).toEqual([
      { field: '--a', message: '"3" is not a whole number from 1 to 2', remedy: 'Help says: a number from 1 to 2.' },
      { field: '--b-c', message: '"x" is not a whole number from 3 to 4', remedy: 'Help says: a number from 3 to 4.' },
    ])
  })

  it('says of what was not given that it is missing', async () => {
    const one = written({
      name: 'one',
      summary: 'One',
      example: 'guestpass one',
      options: [['--before <time>', 'records before this']],
      input: z.object({ before: z.string() }),
      run: async () => undefined,
    })
    expect(problem(await running([one], ['one', '--json'])).fields).toEqual([
      { field: '--before', message: 'is missing', remedy: 'Help says: records before this.' },
    ])
  })

  it('prints a fault once if the message is the fault', async () => {
    const fields = [{ field: '--yes', message: 'is not given', remedy: 'Give it.' }]
    const { err } = await running(
      [failing(new GuestpassError('invalid_input', '--yes: is not given.', { fields }))],
      ['act'],
    )
    expect(err).toBe('guestpass: --yes: is not given. [invalid_input]\n  Give it.\n')
    const sentence = [{ field: '--yes', message: 'is not given. It has no default.', remedy: 'Give it.' }]
    const other = new GuestpassError('invalid_input', '--yes: is not given. It has no default.', { fields: sentence })
    expect((await running([failing(other)], ['act'])).err).toBe(
      'guestpass: --yes: is not given. It has no default. [invalid_input]\n  Give it.\n',
    )
  })

  it('does not repeat what may be a token', async () => {
    const token = `eyJ${'x'.repeat(60)}`
    for (const argv of [['guest', 'show', `--tokn=${token}`], [token], ['guest', token], [`-${token}`]]) {
      expect((await running([show], argv)).err).not.toContain(token)
      expect((await running([show], [...argv, '--json'])).out).not.toContain(token)
    }
    expect((await running([show], ['guest', 'show', '--tokn=hunter2'])).err).not.toContain('hunter2')
  })

  it('is no problem document when --json is only an argument', async () => {
    expect((await running([show], ['guest', 'show', 'a', '--', '--json'])).out).toBe('')
  })
})

describe('a failure', () => {
  const rejected = new GuestpassError('upstream_rejected', 'The token endpoint refused the client.', {
    retryAt: 0,
    fields: [{ field: 'GENESYS_CLIENT_ID', message: 'is unknown', remedy: 'Look at it.' }],
    upstream: { status: 401, code: 'invalid_client', requestId: 'r-1' },
    reason: 'expired',
  })

  it('is a clear block without a stack', async () => {
    const sight = await running([failing(rejected)], ['act'])
    expect(sight.err).toBe(
      'guestpass: The token endpoint refused the client. [upstream_rejected]\n' +
        '  GENESYS_CLIENT_ID: is unknown\n    Look at it.\n  Reason: expired\n' +
        '  Upstream answered 401 invalid_client (request r-1)\n  Again at 1970-01-01T00:00:00.000Z\n',
    )
    expect([sight.code, sight.out]).toEqual([3, ''])
  })

  it('does not repeat the answer of the upstream that its message gives', async () => {
    const message = 'Refused. Upstream answered 401, request r-1.'
    const upstream = { status: 401, code: 'invalid_client', requestId: 'r-1' }
    const sight = await running([failing(new GuestpassError('upstream_rejected', message, { upstream }))], ['act'])
    expect(sight.err).toBe(`guestpass: ${message} [upstream_rejected]\n  Upstream error code: invalid_client\n`)
  })

  it('is exactly one problem document with --json', async () => {
    const sight = await running([failing(rejected)], ['act', '--json'])
    expect(problem(sight)).toEqual(rejected.toProblem())
    expect([sight.code, sight.err]).toEqual([3, ''])
  })

  it.each([
    ['upstream_unavailable', 1],
    ['config_invalid', 2],
    ['access_denied', 3],
    ['token_refused', 4],
  ] as const)('exits by its code: %s', async (code, exit) => {
    expect((await running([failing(new GuestpassError(code, 'No.'))], ['act'])).code).toBe(exit)
  })

  it('that is unforeseen is one too', async () => {
    for (const thrown of [new Error('boom'), 'boom', undefined, { a: 1 }]) {
      const sight = await running([failing(thrown)], ['act', '--json'])
      expect([sight.code, problem(sight).code]).toEqual([1, 'internal'])
    }
  })

  it('after the answer leaves standard output alone', async () => {
    const acting = doing(async (cli) => {
      cli.answer({ up: true }, () => [])
      throw new GuestpassError('store_busy', 'Busy.')
    })
    const sight = await running([acting], ['act', '--json'])
    expect(sight.out).toBe('{"up":true}\n')
    expect(sight.err).toContain('Busy.')
    expect(sight.code).toBe(1)
  })

  it('never shows a secret of the configuration, even if an error repeats it', async () => {
    const env = { GENESYS_CLIENT_SECRET: 'hunter2-secret', GUESTPASS_DEBUG: '1' }
    const acting = doing(async (cli) => {
      const { settings } = await cli.config()
      cli.note(`note ${settings.clientSecret?.reveal()}`)
      throw new Error('a library says hunter2-secret')
    })
    for (const argv of [['act'], ['act', '--json']]) {
      const { out, err } = await running([acting], argv, { env })
      expect(out + err).toContain('[secret]')
      expect(out + err).not.toContain('hunter2')
    }
  })

  it('shows its stack and its cause with GUESTPASS_DEBUG=1', async () => {
    const error = new GuestpassError('internal', 'No.', { cause: new Error('the cause') })
    const debugged = await running([failing(error)], ['act', '--json'], { env: { GUESTPASS_DEBUG: '1' } })
    expect(debugged.err).toContain('runner.test.ts')
    expect(debugged.err).toContain('the cause')
    expect(problem(debugged).code).toBe('internal')
    for (const off of ['', '0', 'false'])
      expect((await running([failing(error)], ['act'], { env: { GUESTPASS_DEBUG: off } })).err).not.toContain(
        'runner.test.ts',
      )
  })
})

describe('a fault that a command finds in its input', () => {
  const invalid = (...names: string[]): GuestpassError =>
    new GuestpassError('invalid_input', `No: ${names.map((name) => `${name}: bad`).join('; ')}.`, {
      fields: names.map((field) => ({ field, message: 'bad', remedy: 'Mend it.' })),
    })
  const described = { arguments: show.arguments ?? [], options: show.options ?? [] }
  const shown = async (error: GuestpassError, json: string[] = ['--json']): Promise<Sight> =>
    running([{ ...failing(error), ...described, name: 'act' }], ['act', 'x', ...json])

  it('is named as it is typed, in its field and in the sentence', async () => {
    const said = problem(await shown(invalid('guestId', 'pageSize', 'scopes[1]', 'scope', 'other', '--page-size')))
    const names = ['<guest-id>', '--page-size', '--scope[1]', '--scope', 'other', '--page-size']
    expect(said.fields?.map(({ field }) => field)).toEqual(names)
    expect(said.detail).toBe(`No: ${names.map((name) => `${name}: bad`).join('; ')}.`)
  })

  it('is named once for each fault, also where one field has several', async () => {
    const said = problem(await shown(invalid('pageSize', 'pageSize', 'scope[0]', 'scope', 'size')))
    expect(said.detail).toBe('No: --page-size: bad; --page-size: bad; --scope[0]: bad; --scope: bad; size: bad.')
  })

  it('keeps its name where the mistake is not in what was typed', async () => {
    const error = new GuestpassError('config_invalid', 'No.', {
      fields: [{ field: 'scopes', message: 'bad', remedy: 'Mend it.' }],
    })
    expect(problem(await shown(error)).fields?.[0]?.field).toBe('scopes')
  })
})

describe('text from elsewhere', () => {
  const evil = 'a\u001b]0;x\u0007\u009b2J\u202eb\u200b\u2028\u{e0041}\nguestpass: fine'
  const shown = 'a\\u001b]0;x\\u0007\\u009b2J\\u202eb\\u200b\\u2028\\udb40\\udc41\\u000aguestpass: fine'

  it('reaches no terminal as it is: neither in lines nor in notes', async () => {
    const acting = doing(async (cli) => {
      cli.note(`note ${evil}`)
      await cli.print(`line ${evil}`)
      cli.answer({}, () => [`answer ${evil}`])
    })
    expect(await running([acting], ['act'])).toEqual({
      code: 0,
      out: `line ${shown}\nanswer ${shown}\n`,
      err: `note ${shown}\n`,
    })
  })

  it('is the same text in a document, and escaped there as well', async () => {
    const { out } = await running([doing(async (cli) => cli.answer({ evil }, () => []))], ['act', '--json'])
    expect(JSON.parse(out)).toEqual({ evil })
    expect(out).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}](?!$)/u)
  })

  it.each([
    [
      'of an error',
      [failing(new GuestpassError('internal', evil, { reason: evil, upstream: { status: 400, code: evil } }))],
      ['act'],
    ],
    ['of the command line', [show], ['guest', 'show', 'x', `--\u001b[2J`]],
    ['of a value', [show], ['guest', 'show', 'x', '--page-size', '\u009b2J']],
    ['of a stack', [failing(new Error(evil))], ['act']],
  ])('is escaped in messages: %s', async (_, commands, argv) => {
    const { err } = await running(commands, argv, { env: { GUESTPASS_DEBUG: '1' } })
    expect(err.split('\n').join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u)
    expect(err).toMatch(/\\u00(1b|9b)/)
  })
})

describe('output that cannot be written', () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  const closed = Object.assign(new Error('closed'), { code: 'EPIPE' })
  const refusing = (error: Error) => ({ write: async () => Promise.reject(error) })
  const answering = doing(async (cli) => cli.answer({ a: 1 }, () => ['a']))
  const streaming = doing(async (cli) => {
    await cli.print('a')
    await cli.untilStopped()
    cli.signal.throwIfAborted()
  })

  it.each([
    ['an answer', answering, ['act']],
    ['a document', answering, ['act', '--json']],
    ['a line of a stream', streaming, ['act']],
    ['help', answering, ['act', '--help']],
    ['a problem document', failing(new GuestpassError('session_exists', 'No.')), ['act', '--json']],
  ])('is a failure that is reported once: %s', async (_, acting, argv) => {
    const { code, err } = await running([acting], argv, { stdout: refusing(full) })
    expect([code, err]).toEqual([
      1,
      'guestpass: Standard output could not be written (ENOSPC): the disk is full. Make room on it. [output_failed]\n',
    ])
  })

  it.each([
    ['an answer', answering, 0],
    ['a verdict', doing(async (cli) => (cli.answer({}, () => ['no']), 4)), 4],
    ['a command that goes on until it is stopped', streaming, 0],
  ])('because its reader went away is none: %s', async (_, acting, exit) => {
    expect(await running([acting], ['act'], { stdout: refusing(closed) })).toEqual({ code: exit, out: '', err: '' })
  })

  it('ends a command that goes on until it is stopped', async () => {
    const staying = doing(async (cli) => {
      cli.answer({}, () => ['up'])
      await cli.untilStopped()
    })
    expect((await running([staying], ['act'], { stdout: refusing(full) })).code).toBe(1)
  })

  it('does not matter on standard error', async () => {
    const noting = doing(async (cli) => cli.note('a'))
    expect((await running([noting], ['act'], { stderr: refusing(full) })).code).toBe(0)
  })
})

describe('--raw', () => {
  const token = new Secret('abcdefghijklmnop')
  const showing = doing(
    async (cli) => cli.answer({ token: cli.showToken(token) }, () => [cli.showToken(token), 'more']),
    {
      reveal: true,
      raw: true,
    },
  )

  it('prints the token alone, in full', async () => {
    expect((await running([showing], ['act', '--raw'])).out).toBe('abcdefghijklmnop\n')
  })

  it('is refused beside --json, and where there is no token', async () => {
    const { code, out } = await running([showing], ['act', '--raw', '--json'])
    expect([code, JSON.parse(out)]).toMatchObject([
      2,
      { fields: [{ field: '--raw', message: 'cannot be combined with --json' }] },
    ])
    expect((await running([show], ['guest', 'show', 'g', '--raw'])).code).toBe(2)
  })
})

describe('an interruption', () => {
  it('ends the command after its clean-up with the exit code of the signal', async () => {
    const ending = new AbortController()
    let cleaned = false
    const acting = doing(async (cli) => {
      setTimeout(() => ending.abort(new Interruption('SIGINT', 130)), 0)
      try {
        await cli.untilStopped()
        cli.signal.throwIfAborted()
      } finally {
        cleaned = true
      }
    })
    const sight = await running([acting], ['act', '--json'], { signal: ending.signal })
    expect(sight).toEqual({ code: 130, out: '', err: 'guestpass: Interrupted by SIGINT.\n' })
    expect(cleaned).toBe(true)
  })

  it('ends a command that waits for standard input', async () => {
    const ending = new AbortController()
    const acting = doing(async (cli) => {
      setTimeout(() => ending.abort(new Interruption('SIGINT', 130)), 0)
      await cli.input()
    })
    const sight = await running([acting], ['act'], { signal: ending.signal, input: () => new Promise(() => {}) })
    expect(sight).toEqual({ code: 130, out: '', err: 'guestpass: Interrupted by SIGINT.\n' })
  })

  it('is how a command that stays up ends well', async () => {
    const ending = new AbortController()
    ending.abort(new Interruption('SIGTERM', 143))
    expect((await running([doing(async (cli) => cli.untilStopped())], ['act'], { signal: ending.signal })).code).toBe(0)
  })
})
