# Starts, stops, removes or tells of a board's agent. Arguments: KIND, BASE, VERB.
kind=$1 base=$2 verb=$3
unit=edgerank-agent.service
export LC_ALL=C

ctl() {
    if [ "$kind" = user ]; then
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user "$@"
    else
        systemctl "$@"
    fi
}

# The supervisor's process, and no other one that got its number since.
supervisor() {
    pid=
    [ -r "$base/supervisor.pid" ] && read -r pid <"$base/supervisor.pid"
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    [ -r "/proc/$pid/cmdline" ] || return 1
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$base/supervise"
}

stop_script() {
    supervisor || return 0
    kill -TERM "$pid"
    left=30
    while supervisor && [ "$left" -gt 0 ]; do
        sleep 1
        left=$((left - 1))
    done
    supervisor || return 0
    # As systemd does; the supervisor, which was told, ends with it.
    [ ! -r "$base/agent.pid" ] || kill -KILL "$(cat "$base/agent.pid")" 2>/dev/null
    left=10
    while supervisor && [ "$left" -gt 0 ]; do
        sleep 1
        left=$((left - 1))
    done
    ! supervisor || kill -KILL "$pid"
}

start_script() {
    stop_script || return 1
    rm -f "$base/supervisor.pid"
    nohup sh "$base/supervise" "$base" >/dev/null 2>&1 </dev/null &
    started=$!
    left=30
    # One whose agent cannot run at all has ended by then.
    while [ ! -e "$base/supervisor.pid" ] && kill -0 "$started" 2>/dev/null && [ "$left" -gt 0 ]; do
        sleep 1
        left=$((left - 1))
    done
}

case $kind.$verb in
    script.start) start_script ;;
    script.stop | script.remove) stop_script ;;
    script.running) supervisor && echo yes || echo no ;;
    script.log) tail -n "${4:-20}" "$base/agent.log" 2>/dev/null || : ;;
    *.start)
        # Of a time before there was a systemd for this user.
        stop_script || exit 1
        [ "$kind" != user ] || loginctl enable-linger 2>/dev/null || echo no-linger
        ctl daemon-reload && ctl enable --quiet "$unit" && ctl restart "$unit"
        ;;
    *.stop) ctl stop "$unit" ;;
    *.remove)
        stop_script
        ! ctl cat "$unit" >/dev/null 2>&1 || ctl disable --quiet --now "$unit"
        ;;
    *.running)
        # Between two starts it is "activating".
        case $(ctl is-active "$unit") in active | activating | reloading) echo yes ;; *) echo no ;; esac
        ;;
    # Without --user: where journals are kept in memory, a user has none of their own.
    user.log) journalctl --user-unit "$unit" --output cat --no-pager -n "${4:-20}" ;;
    system.log) journalctl --unit "$unit" --output cat --no-pager -n "${4:-20}" ;;
esac
