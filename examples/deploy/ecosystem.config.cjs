// PM2. Not run by the tests of this repository. Start it with `pm2 start ecosystem.config.cjs`.
module.exports = {
  apps: [
    {
      name: 'guestpass-keep',
      script: 'node_modules/.bin/guestpass',
      args: 'keep --log json --status keep.json',
      // It has the settings as `.env`, and the database in `.guestpass`.
      cwd: '/srv/guestpass',
      exec_mode: 'fork',
      instances: 1,
      autorestart: true,
      exp_backoff_restart_delay: 1_000,
      // 2: the configuration has a mistake, which a new start does not mend.
      stop_exit_codes: [2],
      // What is under way ends first.
      kill_timeout: 10_000,
    },
  ],
}
