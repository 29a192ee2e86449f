#!/usr/bin/env node
// Old versions of Node must be able to parse this file, to print that they are too old: no static import, no newer syntax.
function start() {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = function (warning, type) {
    const kind = type !== null && typeof type === 'object' ? type.type : type
    if (kind === 'ExperimentalWarning' && String(warning).indexOf('SQLite') === 0) return
    emitWarning.apply(undefined, arguments)
  }
  const nodeModule = process.getBuiltinModule('node:module')
  if (nodeModule.enableCompileCache) nodeModule.enableCompileCache()
  // A checkout has the sources, a package what was built of them.
  import('../src/main.ts').catch(function (error) {
    const absent =
      (error.code === 'ERR_MODULE_NOT_FOUND' && String(error.url).endsWith('/src/main.ts')) ||
      // What Yarn's Plug'n'Play says of it; its code is lost on the way from the loader.
      String(error.message).indexOf('Qualified path resolution failed') === 0
    if (!absent) throw error
    return import('../dist/main.js')
  })
}

const found = process.versions.node.split('.').map(Number)
if (found[0] > 22 || (found[0] === 22 && found[1] >= 19)) start()
else {
  console.error(
    'guestpass needs Node.js 22.19 or newer, and this is ' +
      process.versions.node +
      '. In the folder of an application: npm install node@24, then npx guestpass. Else install one from https://nodejs.org, or with a version manager: nvm install 24',
  )
  process.exitCode = 2
}
