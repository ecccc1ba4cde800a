# Made by `sensor-gateway completion bash` from the command line itself.
_sensor_gateway() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path="" next i
    local -a answers=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        next="$path ${COMP_WORDS[i]}"
        case "$next" in
            ' run' | ' status' | ' reload' | ' check-config' | ' config' | ' config show' | ' config schema' | ' simulate' | ' demo' | ' scan' | ' read' | ' record' | ' replay' | ' tail' | ' fleet' | ' drivers' | ' devices' | ' outbox' | ' outbox status' | ' outbox peek' | ' outbox verify' | ' outbox export' | ' outbox purge' | ' doctor' | ' bugreport' | ' schemas' | ' completion' | ' secret' | ' secret set' | ' secret list' | ' install-service') path=$next ;;
        esac
    done
    case "$path:$before" in
        ' run:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' run:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' status:--state-dir' | ' status:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' reload:--state-dir' | ' reload:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' check-config:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' config show:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' simulate:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' simulate:--for') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
        ' simulate:--scenario') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' simulate:--expect') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
        ' scan:--root') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' scan:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' read:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' record:--for') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
        ' record:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' tail:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' fleet:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' fleet:--expect') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
        ' devices:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' outbox status:--state-dir' | ' outbox status:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox status:--hot-dir') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox status:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' outbox peek:--state-dir' | ' outbox peek:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox peek:--hot-dir') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox peek:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' outbox verify:--state-dir' | ' outbox verify:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox verify:--hot-dir') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox verify:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' outbox export:--output') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' outbox export:--state-dir' | ' outbox export:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox export:--hot-dir') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox export:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' outbox purge:--before') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
        ' outbox purge:--destination') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
        ' outbox purge:--state-dir' | ' outbox purge:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox purge:--hot-dir') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' outbox purge:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' doctor:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' doctor:--state-dir' | ' doctor:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' bugreport:--config') mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        ' bugreport:--state-dir' | ' bugreport:--state-directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' schemas:--prefix') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
        ' secret set:--directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' secret list:--directory') mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        ' install-service:--user') mapfile -t COMPREPLY < <(compgen -W '' -- "$word"); return ;;
    esac
    case "$path" in
        '') mapfile -t answers < <(compgen -W 'run status reload check-config config simulate demo scan read record replay tail fleet drivers devices outbox doctor bugreport schemas completion secret install-service -h --help --version' -- "$word") ;;
        ' run') mapfile -t answers < <(compgen -W '-h --help --config --state-directory --strict' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' status') mapfile -t answers < <(compgen -W '-h --help --state-dir --state-directory --json --check' -- "$word") ;;
        ' reload') mapfile -t answers < <(compgen -W '-h --help --state-dir --state-directory' -- "$word") ;;
        ' check-config') mapfile -t answers < <(compgen -W '-h --help --config --here --json' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' config') mapfile -t answers < <(compgen -W 'show schema -h --help' -- "$word") ;;
        ' config show') mapfile -t answers < <(compgen -W '-h --help --config' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' config schema') mapfile -t answers < <(compgen -W '-h --help' -- "$word") ;;
        ' simulate') mapfile -t answers < <(compgen -W '-h --help --config --for --scenario --expect --real-time' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' demo') mapfile -t answers < <(compgen -W '-h --help --quiet --embedded-broker' -- "$word") ;;
        ' scan') mapfile -t answers < <(compgen -W '-h --help --yaml --json --root --config' -- "$word") ;;
        ' read') mapfile -t answers < <(compgen -W '-h --help --all --json --config' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' record') mapfile -t answers < <(compgen -W '-h --help --for --config' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' replay') mapfile -t answers < <(compgen -W '-h --help --events --vector' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' tail') mapfile -t answers < <(compgen -W '-h --help --config --json --all' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' fleet') mapfile -t answers < <(compgen -W '-h --help --config --expect --json --check' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' drivers') mapfile -t answers < <(compgen -W '-h --help --json' -- "$word") ;;
        ' devices') mapfile -t answers < <(compgen -W '-h --help --config --json' -- "$word") ;;
        ' outbox') mapfile -t answers < <(compgen -W 'status peek verify export purge -h --help' -- "$word") ;;
        ' outbox status') mapfile -t answers < <(compgen -W '-h --help --json --check --state-dir --state-directory --hot-dir --config' -- "$word") ;;
        ' outbox peek') mapfile -t answers < <(compgen -W '-h --help --json --state-dir --state-directory --hot-dir --config' -- "$word") ;;
        ' outbox verify') mapfile -t answers < <(compgen -W '-h --help --json --state-dir --state-directory --hot-dir --config' -- "$word") ;;
        ' outbox export') mapfile -t answers < <(compgen -W '-h --help --all --output --state-dir --state-directory --hot-dir --config' -- "$word") ;;
        ' outbox purge') mapfile -t answers < <(compgen -W '-h --help --before --destination --yes --dry-run --state-dir --state-directory --hot-dir --config' -- "$word") ;;
        ' doctor') mapfile -t answers < <(compgen -W '-h --help --config --state-dir --state-directory --json' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' bugreport') mapfile -t answers < <(compgen -W '-h --help --config --state-dir --state-directory' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' schemas') mapfile -t answers < <(compgen -W '-h --help --prefix' -- "$word") && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word") ;;
        ' completion') mapfile -t answers < <(compgen -W '-h --help bash zsh fish' -- "$word") ;;
        ' secret') mapfile -t answers < <(compgen -W 'set list -h --help' -- "$word") ;;
        ' secret set') mapfile -t answers < <(compgen -W '-h --help --directory' -- "$word") ;;
        ' secret list') mapfile -t answers < <(compgen -W '-h --help --directory' -- "$word") ;;
        ' install-service') mapfile -t answers < <(compgen -W '-h --help --user --dry-run' -- "$word") ;;
    esac
    COMPREPLY=("${answers[@]}")
}
complete -o filenames -F _sensor_gateway sensor-gateway
