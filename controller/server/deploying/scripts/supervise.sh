# Keeps an agent running where there is no systemd. Argument: BASE. SIGTERM ends both.
umask 077
base=$1
child=
stopping=

stop() {
    stopping=yes
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap stop TERM INT
trap '' HUP
printf '%s\n' "$$" >"$base/supervisor.pid.new"
mv -f "$base/supervisor.pid.new" "$base/supervisor.pid"

while [ -z "$stopping" ]; do
    # So that what is said in weeks does not fill the disk.
    if [ -f "$base/agent.log" ] && [ "$(wc -c <"$base/agent.log")" -gt 5000000 ]; then
        mv -f "$base/agent.log" "$base/agent.log.1"
    fi
    sh "$base/current/agent" >>"$base/agent.log" 2>&1 </dev/null &
    child=$!
    printf '%s\n' "$child" >"$base/agent.pid"
    # Told to stop before there was somebody to tell.
    [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
    wait "$child"
    code=$?
    # A trap ends a wait, and not who is waited for.
    while kill -0 "$child" 2>/dev/null; do
        wait "$child"
        code=$?
    done
    child=
    # It ended by itself, or 2: what only a person mends, as a token that is worth nothing.
    case $code in 0 | 2) break ;; esac
    [ -n "$stopping" ] || { sleep 10 & child=$!; wait "$child"; kill "$child" 2>/dev/null; child=; }
done
rm -f "$base/supervisor.pid" "$base/agent.pid"
