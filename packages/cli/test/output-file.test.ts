import { spawn } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { lstat, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOutputFile } from '../src/output-file.ts'
import { temporaryFolder } from './spawn-cli.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder({ old: 'old' })
})
afterEach(() => folder.remove())

const at = (name: string): string => join(folder.cwd, name)
const { signal } = new AbortController()

async function write(path: string): Promise<void> {
  const to = await openOutputFile(path, signal)
  expect(await to.write('new')).toBe(true)
  await to.close()
}

describe('a file to write', () => {
  it('is replaced when it is whole, and keeps its mode', async () => {
    const to = await openOutputFile(at('old'), signal)
    await to.write('new')
    expect(await readFile(at('old'), 'utf8')).toBe('old')
    await to.close()
    expect([await readFile(at('old'), 'utf8'), (await stat(at('old'))).mode & 0o777]).toEqual(['new', 0o644])
    expect(await readdir(folder.cwd)).toEqual(['old'])
  })

  it('is as it was when the work is given up', async () => {
    const to = await openOutputFile(at('old'), signal)
    await to.write('new')
    await to.discard()
    expect([await readFile(at('old'), 'utf8'), await readdir(folder.cwd)]).toEqual(['old', ['old']])
  })

  it('is its owner’s alone when it is new', async () => {
    await write(at('fresh'))
    expect((await stat(at('fresh'))).mode & 0o777).toBe(0o600)
  })

  it('is found behind a link, which stays one', async () => {
    await symlink('old', at('link'))
    await write(at('link'))
    expect([(await lstat(at('link'))).isSymbolicLink(), await readFile(at('old'), 'utf8')]).toEqual([true, 'new'])
  })

  it('is made where a link leads that has no file yet', async () => {
    await symlink('fresh', at('link'))
    await symlink(at('link'), at('further'))
    await write(at('further'))
    expect([(await lstat(at('link'))).isSymbolicLink(), await readFile(at('fresh'), 'utf8')]).toEqual([true, 'new'])
  })

  it('is refused where links lead in a circle', async () => {
    await symlink('there', at('here'))
    await symlink('here', at('there'))
    await expect(write(at('here'))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('ELOOP: its links lead'),
    })
    expect((await lstat(at('here'))).isSymbolicLink()).toBe(true)
  })

  it('may be a device, which stays one', async () => {
    await symlink('/dev/null', at('null'))
    await write(at('null'))
    expect((await stat(at('null'))).isCharacterDevice()).toBe(true)
  })

  it('may be a pipe: it waits for a reader, and goes by its leaving', async () => {
    await new Promise((resolve) => spawn('mkfifo', [at('pipe')]).once('close', resolve))
    const opened = openOutputFile(at('pipe'), signal)
    const read = text(createReadStream(at('pipe')))
    const to = await opened
    const long = 'x'.repeat(200_000)
    expect(await to.write(long)).toBe(true)
    await to.close()
    expect(await read).toBe(long)
    expect((await stat(at('pipe'))).isFIFO()).toBe(true)
  })

  it('may be a pipe without a reader: the wait can be aborted', async () => {
    await new Promise((resolve) => spawn('mkfifo', [at('pipe')]).once('close', resolve))
    const over = new AbortController()
    const opened = openOutputFile(at('pipe'), over.signal)
    over.abort()
    await expect(opened).rejects.toThrow('aborted')
  })

  it('is refused where it cannot be', async () => {
    await mkdir(at('folder'))
    for (const name of ['folder', 'absent/file'])
      await expect(openOutputFile(at(name), signal)).rejects.toMatchObject({
        code: 'invalid_input',
        fields: [{ field: 'output' }],
      })
  })

  it.skipIf(!existsSync('/dev/full'))('that is full is a failure of the output', async () => {
    const to = await openOutputFile('/dev/full', signal)
    await expect(to.write('new')).rejects.toMatchObject({ code: 'output_failed' })
    await to.discard()
  })
})
