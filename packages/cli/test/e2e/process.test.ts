import { spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { launcher, temporaryFolder, spawnCli } from '../spawn-cli.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())

const up = (argv: readonly string[] = ['sandbox', '--json']) => spawnCli(argv, folder.cwd)

describe('a process without a terminal', () => {
  it('goes on after SIGHUP, as nohup asks, and ends by SIGTERM', async () => {
    const run = up()
    await run.matchOnStandardOutput(/\n/)
    run.child.kill('SIGHUP')
    run.child.kill('SIGHUP')
    run.child.kill('SIGTERM')
    expect((await run.ended).code).toBe(0)
  })

  it('ends with the parent that made a channel to it', async () => {
    const child = spawn(process.execPath, [launcher, 'sandbox', '--json'], {
      cwd: folder.cwd,
      env: {},
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    child.disconnect()
    expect(await ended).toBe(0)
  })

  it('ends at once by a second signal, although a call of the system hangs', async () => {
    const pipe = `${folder.cwd}/pipe`
    await new Promise((resolve) => spawn('mkfifo', [pipe]).once('close', resolve))
    const run = up(['audit', 'verify', 'pipe'])
    // Its opening waits for a writer, and the process with it.
    const written = new Promise((resolve) => setTimeout(resolve, 700))
    await written
    run.child.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 100))
    run.child.kill('SIGINT')
    await run.ended
    expect(run.child.signalCode).toBe('SIGINT')
  })
})

describe('standard output', () => {
  const ended = async (argv: readonly string[], stdout: number | 'pipe') => {
    const child = spawn(process.execPath, [launcher, ...argv], {
      cwd: folder.cwd,
      env: {},
      stdio: ['ignore', stdout, 'pipe'],
    })
    let err = ''
    child.stderr?.on('data', (chunk: Buffer) => (err += String(chunk)))
    child.stdout?.destroy()
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, err }
  }

  it.skipIf(!existsSync('/dev/full'))('on a full disk is a failure, never internal', async () => {
    const inStore = ['--database', 'full-disk.db']
    await ended(['api-keys', 'create', '--name', 'shop', '--role', 'issuer', ...inStore], 'pipe')
    for (const argv of [['config'], ['audit', 'export', ...inStore], ['--help']]) {
      const { code, err } = await ended(argv, openSync('/dev/full', 'w'))
      expect([argv, code, err]).toEqual([argv, 1, expect.stringContaining('(ENOSPC): the disk is full')])
    }
  })

  it('whose reader went away is none', async () => {
    expect(await ended(['config', '--markdown'], 'pipe')).toEqual({ code: 0, err: '' })
  })
})
